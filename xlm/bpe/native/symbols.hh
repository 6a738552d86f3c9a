// Symbols: characters and what merges make of them, with the order that decides ties.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "words.hh"

namespace bpe {

using Symbol = uint32_t;

// Stands before, between and behind words.
constexpr Symbol kBoundary = 0;

// A symbol is a string and the number of characters that it covers. Two merges that spell the same
// string (possible only where the text itself holds `</w>`) make two symbols, as in fastBPE.
class Symbols {
 public:
  // The characters of the words, each with and without the mark of a word's end as they occur.
  explicit Symbols(const std::vector<Word>& words);

  Symbol merge(Symbol left, Symbol right);
  Symbol of_character(uint32_t character, bool last) const { return first_[character * 2 + last]; }
  const std::string& text(Symbol symbol) const { return texts_[symbol]; }
  uint32_t characters(Symbol symbol) const { return characters_[symbol]; }
  size_t size() const { return texts_.size(); }

  // Negative, zero or positive as the bytes of the one come before those of the other.
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
