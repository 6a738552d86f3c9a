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

// Counts of words: a list and an open-addressing hash table over it.
class WordTable {
 public:
  WordTable() : slots_(1024, kEmpty) {}
  // Adds to the count of a word; returns whether it is new. With `copy`, the table stores the bytes
  // of a new word; otherwise they must outlive the table.
  bool add(std::string_view word, uint32_t hash, uint64_t count, bool copy);
  std::vector<Word>& words() { return words_; }
  void forget_slots() { std::vector<uint32_t>().swap(slots_); }

 private:
  static constexpr uint32_t kEmpty = UINT32_MAX;

  void grow();
  const char* store(std::string_view word);

  std::vector<uint32_t> slots_;
  std::vector<Word> words_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  char* free_ = nullptr;
  size_t free_bytes_ = 0;
};

struct Text {
  std::vector<Word> words;
  std::vector<WordTable> tables;  // own the bytes of the words
  uint64_t occurrences = 0;
  uint64_t bytes = 0;
  uint64_t longest_bytes = 0;
};

// Reads words separated by spaces and newlines, or lines `word count` if `counted`, until the end
// of the file. Memory is one block per thread and the distinct words, whatever the file size.
// Throws InvalidInput for bytes that are not UTF-8, a NUL byte, or a line without a count.
Text read_words(int file, size_t threads, bool counted);

}  // namespace bpe
