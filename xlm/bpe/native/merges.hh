// Learns merges: repeatedly merges the most frequent pair of neighboring symbols.
//
// Tie rule: pairs with equal counts are ordered by the bytes of their left symbols, then of their
// right symbols. If two symbols have the same bytes, the older symbol comes first. The bytes of the
// last character of a word end in `</w>`.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "symbols.hh"
#include "words.hh"

namespace bpe {

struct Merge {
  Symbol left;
  Symbol right;
  int64_t count;
};

class Learner {
 public:
  // Counts the pairs of all words. Throws InvalidInput if a count could exceed 63 bits.
  Learner(const std::vector<Word>& words, size_t threads);

  // Applies the next merge; returns false if no pair is left.
  bool next(Merge& merge);

  const Symbols& symbols() const { return symbols_; }
  size_t characters() const { return slots_.size() - counts_.size() - 1; }
  size_t pairs() const { return pairs_.size(); }

 private:
  using Pair = uint32_t;
  static constexpr Pair kNone = UINT32_MAX;

  // One character of the distinct words, which are stored end to end with a boundary between them.
  // A symbol stores its number in its first and last slot. Its first slot also stores the pair that
  // it forms with the next symbol.
  struct Slot {
    Symbol symbol;
    Pair pair;
    uint32_t word;
  };

  // All positions of a pair appear in one merge, that of its newer symbol; later merges only remove
  // positions. So they are one array, written once, and one comparison shows if one is still valid.
  struct PairEntry {
    Symbol left;
    Symbol right;
    int64_t count;
    const uint32_t* positions;
    uint32_t size;
  };

  struct Found {
    Pair pair;
    uint32_t position;
  };

  void fill_slots(const std::vector<Word>& words, size_t threads);
  void count_pairs(size_t words, size_t threads);
  Pair best();
  bool before(Pair one, Pair other) const;
  void enqueue(Pair pair);
  void apply(Pair best, Symbol made);
  Pair neighbor(std::vector<Pair>& known, Symbol by, Symbol left, Symbol right);
  void store_positions(Pair first);
  uint32_t* reserve(size_t size);

  Symbols symbols_;
  std::vector<int64_t> counts_;  // of words
  std::vector<size_t> starts_;   // of words in slots_
  std::vector<Slot> slots_;
  std::vector<PairEntry> pairs_;

  // Buckets of pairs by an earlier count, which is at least the current count.
  std::map<int64_t, std::vector<Pair>> by_count_;
  std::vector<Pair> current_;  // pairs with count current_count_, a heap by the tie rule
  int64_t current_count_ = INT64_MAX;

  std::vector<Found> found_;         // positions of the new pairs of one merge
  std::vector<Pair> left_, right_;   // by the symbol of a neighbor: its pair with the new symbol
  std::vector<std::unique_ptr<uint32_t[]>> blocks_;
  uint32_t* free_ = nullptr;
  size_t free_size_ = 0;
};

}  // namespace bpe
