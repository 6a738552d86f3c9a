#include "words.hh"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <string>
#include <system_error>

#include "invalid_input.hh"
#include "parallel.hh"

namespace bpe {
namespace {

constexpr size_t kBlockBytes = 4 << 20;
constexpr size_t kStorageBytes = 1 << 20;

uint32_t hash_of(std::string_view word) {
  uint64_t hash = word.size() * 0x9e3779b97f4a7c15u;
  const char* data = word.data();
  size_t left = word.size();
  for (; left >= 8; data += 8, left -= 8) {
    uint64_t part;
    std::memcpy(&part, data, 8);
    hash = (hash ^ part) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 32;
  }
  uint64_t part = 0;
  std::memcpy(&part, data, left);
  hash = (hash ^ part) * 0xff51afd7ed558ccdu;
  hash ^= hash >> 29;
  return static_cast<uint32_t>((hash * 0xc4ceb9fe1a85ec53u) >> 32);
}

// Position of the first byte that is not well-formed UTF-8, or is NUL; -1 if there is none.
// Table 3-7 of the Unicode standard: neither overlong forms nor surrogates.
ptrdiff_t first_fault(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte != 0 && byte < 0x80) {
      ++at;
      continue;
    }
    const size_t length = byte < 0xC2 ? 0 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : byte < 0xF5 ? 4 : 0;
    if (length == 0 || at + length > text.size()) return static_cast<ptrdiff_t>(at);
    const unsigned low = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    const unsigned high = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    for (size_t next = 1; next < length; ++next) {
      const auto follower = static_cast<unsigned char>(text[at + next]);
      if (follower < (next == 1 ? low : 0x80) || follower > (next == 1 ? high : 0xBF)) {
        return static_cast<ptrdiff_t>(at);
      }
    }
    at += length;
  }
  return -1;
}

// Reads blocks that end at the end of a word (or of a line).
class BlockReader {
 public:
  BlockReader(int file, bool whole_lines) : file_(file), whole_lines_(whole_lines) {}

  // Reads the next block and its offset; returns false at the end of the file, or after `stop`.
  bool next(std::string& block, uint64_t& offset) {
    const std::lock_guard<std::mutex> lock(mutex_);
    block.swap(rest_);
    rest_.clear();
    offset = offset_;
    size_t searched = 0;
    while (!ended_) {
      fill(block);
      const size_t cut = last_end(block, searched);
      searched = block.size();
      if (ended_ || cut == 0) continue;
      rest_.assign(block, cut, block.size() - cut);
      block.resize(cut);
      break;
    }
    offset_ += block.size();
    return !block.empty();
  }

  void stop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    rest_.clear();
  }

 private:
  void fill(std::string& block) {
    const size_t before = block.size();
    block.resize(before + kBlockBytes);
    ssize_t got;
    do {
      got = ::read(file_, &block[before], kBlockBytes);
    } while (got < 0 && errno == EINTR);
    if (got < 0) throw std::system_error(errno, std::generic_category(), "reading the text");
    block.resize(before + static_cast<size_t>(got));
    ended_ = got == 0;
  }

  // Position after the last separator of block[from:]; 0 if there is none.
  size_t last_end(const std::string& block, size_t from) const {
    for (size_t at = block.size(); at > from; --at) {
      if (block[at - 1] == '\n' || (block[at - 1] == ' ' && !whole_lines_)) return at;
    }
    return 0;
  }

  const int file_;
  const bool whole_lines_;
  std::mutex mutex_;
  std::string rest_;
  uint64_t offset_ = 0;
  bool ended_ = false;
};

struct Fault {
  uint64_t offset = UINT64_MAX;
  std::string what;
};

uint64_t parse_count(std::string_view digits) {
  uint64_t count = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9' || count > (UINT64_MAX - 9) / 10) return 0;
    count = count * 10 + static_cast<uint64_t>(digit - '0');
  }
  return count;
}

// Counts the words of the blocks that one thread reads.
class Counting {
 public:
  explicit Counting(bool counted) : counted_(counted) {}

  void run(BlockReader& reader) {
    std::string block;
    uint64_t offset;
    while (fault.what.empty() && reader.next(block, offset)) {
      bytes += block.size();
      counted_ ? take_lines(block, offset) : take_words(block, offset);
    }
    // Earlier blocks are already being read, so the first fault of the text is always found.
    if (!fault.what.empty()) reader.stop();
    table.forget_slots();
  }

  WordTable table;
  uint64_t occurrences = 0;
  uint64_t bytes = 0;
  uint64_t longest_bytes = 0;
  Fault fault;

 private:
  void take_words(std::string_view block, uint64_t offset) {
    const char* const begin = block.data();
    const char* const end = begin + block.size();
    for (const char* at = begin; at < end;) {
      if (*at == ' ' || *at == '\n') {
        ++at;
        continue;
      }
      const char* const first = at;
      while (at < end && *at != ' ' && *at != '\n') ++at;
      const std::string_view word(first, static_cast<size_t>(at - first));
      if (!take(word, 1, offset + static_cast<uint64_t>(first - begin))) return;
    }
  }

  void take_lines(std::string_view block, uint64_t offset) {
    for (size_t at = 0; at < block.size();) {
      const size_t end = std::min(block.find('\n', at), block.size());
      const std::string_view line = block.substr(at, end - at);
      const size_t space = line.find(' ');
      const uint64_t count =
          space == 0 || space == line.npos ? 0 : parse_count(line.substr(space + 1));
      if (count == 0) {
        fault = {offset + at, "a line that is not `word count`"};
        return;
      }
      if (!take(line.substr(0, space), count, offset + at)) return;
      at = end + 1;
    }
  }

  bool take(std::string_view word, uint64_t count, uint64_t offset) {
    if (word.size() >= UINT32_MAX) {
      fault = {offset, "a word of more than 4 GB"};
      return false;
    }
    occurrences += count;
    if (!table.add(word, hash_of(word), count, true)) return true;
    longest_bytes = std::max<uint64_t>(longest_bytes, word.size());
    const ptrdiff_t at = first_fault(word);
    if (at < 0) return true;
    const bool nul = word[static_cast<size_t>(at)] == '\0';
    fault = {offset + static_cast<uint64_t>(at), nul ? "a NUL byte" : "not UTF-8"};
    return false;
  }

  const bool counted_;
};

}  // namespace

bool WordTable::add(std::string_view word, uint32_t hash, uint64_t count, bool copy) {
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  for (; slots_[slot] != kEmpty; slot = (slot + 1) & mask) {
    Word& found = words_[slots_[slot]];
    if (found.hash == hash && found.bytes() == word) {
      found.count += count;
      return false;
    }
  }
  if (words_.size() + 1 >= kEmpty) throw InvalidInput("more than 4,294,967,294 distinct words");
  slots_[slot] = static_cast<uint32_t>(words_.size());
  const char* const data = copy ? store(word) : word.data();
  words_.push_back({data, count, static_cast<uint32_t>(word.size()), hash});
  if (words_.size() * 2 > slots_.size()) grow();
  return true;
}

void WordTable::grow() {
  std::vector<uint32_t>(slots_.size() * 2, kEmpty).swap(slots_);
  const size_t mask = slots_.size() - 1;
  for (size_t number = 0; number < words_.size(); ++number) {
    size_t slot = words_[number].hash & mask;
    while (slots_[slot] != kEmpty) slot = (slot + 1) & mask;
    slots_[slot] = static_cast<uint32_t>(number);
  }
}

const char* WordTable::store(std::string_view word) {
  if (word.size() > free_bytes_) {
    free_bytes_ = std::max(kStorageBytes, word.size());
    blocks_.emplace_back(new char[free_bytes_]);
    free_ = blocks_.back().get();
  }
  char* const stored = free_;
  std::memcpy(stored, word.data(), word.size());
  free_ += word.size();
  free_bytes_ -= word.size();
  return stored;
}

Text read_words(int file, size_t threads, bool counted) {
  BlockReader reader(file, counted);
  std::vector<Counting> counting;
  for (size_t number = 0; number < threads; ++number) counting.emplace_back(counted);
  run_threads(threads, [&](size_t number) { counting[number].run(reader); });
  Text text;
  Fault first;
  for (Counting& one : counting) {
    if (one.fault.offset < first.offset) first = one.fault;
    text.occurrences += one.occurrences;
    text.bytes += one.bytes;
    text.longest_bytes = std::max(text.longest_bytes, one.longest_bytes);
  }
  if (!first.what.empty()) {
    throw InvalidInput(first.what + " at byte " + std::to_string(first.offset) + " of the text");
  }
  // Each thread joins the words in its range of hashes.
  std::vector<WordTable> joined(threads);
  run_threads(threads, [&](size_t number) {
    for (Counting& one : counting) {
      for (const Word& word : one.table.words()) {
        // By the high bits: the table uses the low bits for its slots.
        if ((uint64_t{word.hash} * threads) >> 32 != number) continue;
        joined[number].add(word.bytes(), word.hash, word.count, false);
      }
    }
    joined[number].forget_slots();
  });
  for (Counting& one : counting) {
    std::vector<Word>().swap(one.table.words());
    text.tables.push_back(std::move(one.table));
  }
  for (WordTable& table : joined) {
    text.words.insert(text.words.end(), table.words().begin(), table.words().end());
    std::vector<Word>().swap(table.words());
  }
  return text;
}

}  // namespace bpe
