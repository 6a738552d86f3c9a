// The distinct words of a text with their counts, read in blocks by several threads.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace bpe {

struct Word {
  const char* data;
  uint64_t count;
  uint32_t size;
  uint32_t hash;

  std::string_view bytes() const { return {data, size}; }
};

// Words by their bytes; an open hash table over a list.
class WordTable {
 public:
  WordTable() : slots_(1024, kEmpty) {}
  // Returns whether the word is new; then its bytes are kept here if `copy`, else referred to.
  bool add(std::string_view word, uint32_t hash, uint64_t count, bool copy);
  std::vector<Word>& words() { return words_; }
  void forget_slots() { std::vector<uint32_t>().swap(slots_); }

 private:
  static constexpr uint32_t kEmpty = UINT32_MAX;

  void grow();
  const char* keep(std::string_view word);

  std::vector<uint32_t> slots_;
  std::vector<Word> words_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* free_ = nullptr;
  size_t free_bytes_ = 0;
};

struct Text {
  std::vector<Word> words;
  std::vector<WordTable> tables;  // own the words' bytes
  uint64_t occurrences = 0;
  uint64_t bytes = 0;
  uint64_t longest_bytes = 0;
};

// Reads words separated by spaces and newlines until the file ends, or lines `word count` where
// `counted`. Holds one block a thread beside the distinct words, whatever the size of the file.
// Throws Refusal: not UTF-8, a NUL byte, or no count.
Text read_words(int file, size_t threads, bool counted);

}  // namespace bpe
