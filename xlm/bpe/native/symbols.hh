// Symbols: characters and the results of merges, with the order that breaks ties.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "words.hh"

namespace bpe {

using Symbol = uint32_t;

// Separates words, and precedes the first and follows the last word.
constexpr Symbol kBoundary = 0;

// A symbol is a string and its number of characters. Two merges that produce the same string
// produce two symbols, as in fastBPE. This only happens if the text contains `</w>`.
class Symbols {
 public:
  // Creates the characters of the words, with and without the end-of-word mark as they occur.
  explicit Symbols(const std::vector<Word>& words);

  Symbol merge(Symbol left, Symbol right);
  Symbol of_character(uint32_t character, bool last) const { return first_[character * 2 + last]; }
  const std::string& text(Symbol symbol) const { return texts_[symbol]; }
  uint32_t characters(Symbol symbol) const { return characters_[symbol]; }
  size_t size() const { return texts_.size(); }

  // Compares bytes; returns a negative number, zero or a positive number.
  int compare(Symbol one, Symbol other) const;

 private:
  Symbol add(std::string text, uint32_t characters);

  std::vector<Symbol> first_;
  std::vector<std::string> texts_;
  std::vector<uint32_t> characters_;
  std::vector<uint64_t> heads_;  // the first 8 bytes, so that most comparisons read no string
};

// Calls take(character, last) for each character of well-formed UTF-8.
template <typename Take>
void each_character(std::string_view text, Take take) {
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const size_t length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    uint32_t character = length == 1 ? byte : byte & (0x7Fu >> length);
    for (size_t next = 1; next < length; ++next) {
      character = character << 6 | (static_cast<unsigned char>(text[at + next]) & 0x3Fu);
    }
    at += length;
    take(character, at == text.size());
  }
}

}  // namespace bpe
