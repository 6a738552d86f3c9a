#include "symbols.hh"

#include "invalid_input.hh"

namespace bpe {
namespace {

constexpr uint32_t kCharacters = 0x110000;
constexpr char kWordEnd[] = "</w>";

std::string encode(uint32_t character) {
  std::string text;
  if (character < 0x80) {
    text += static_cast<char>(character);
    return text;
  }
  const int followers = character < 0x800 ? 1 : character < 0x10000 ? 2 : 3;
  const uint32_t lead = followers == 1 ? 0xC0 : followers == 2 ? 0xE0 : 0xF0;
  text += static_cast<char>(lead | character >> (6 * followers));
  for (int left = followers - 1; left >= 0; --left) {
    text += static_cast<char>(0x80 | (character >> (6 * left) & 0x3F));
  }
  return text;
}

// The first 8 bytes as a number with the same order. Texts have no NUL, so padding is unambiguous.
uint64_t head_of(const std::string& text) {
  uint64_t head = 0;
  for (size_t at = 0; at < 8; ++at) {
    head = head << 8 | (at < text.size() ? static_cast<unsigned char>(text[at]) : 0u);
  }
  return head;
}

}  // namespace

Symbols::Symbols(const std::vector<Word>& words) : first_(size_t{kCharacters} * 2, kBoundary) {
  constexpr Symbol kSeen = 1;
  for (const Word& word : words) {
    each_character(word.bytes(), [&](uint32_t character, bool last) {
      first_[character * 2 + last] = kSeen;
    });
  }
  add("", 1);  // kBoundary
  // In the order of code points, so that the numbers depend on the text alone.
  for (size_t number = 0; number < first_.size(); ++number) {
    if (first_[number] != kSeen) continue;
    std::string text = encode(static_cast<uint32_t>(number / 2));
    first_[number] = add(number % 2 ? text + kWordEnd : text, 1);
  }
}

Symbol Symbols::merge(Symbol left, Symbol right) {
  return add(texts_[left] + texts_[right], characters_[left] + characters_[right]);
}

int Symbols::compare(Symbol one, Symbol other) const {
  if (heads_[one] != heads_[other]) return heads_[one] < heads_[other] ? -1 : 1;
  return texts_[one].compare(texts_[other]);
}

Symbol Symbols::add(std::string text, uint32_t characters) {
  if (texts_.size() >= UINT32_MAX) throw InvalidInput("more than 4,294,967,295 symbols");
  heads_.push_back(head_of(text));
  texts_.push_back(std::move(text));
  characters_.push_back(characters);
  return static_cast<Symbol>(texts_.size() - 1);
}

}  // namespace bpe
