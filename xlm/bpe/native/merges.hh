// The learner: merges the most frequent pair of neighbouring symbols, again and again.
//
// Tie rule: of pairs with equal counts, the one whose left symbol comes first by its bytes, then
// whose right symbol does, then (only where two symbols spell the same string) whose left symbol,
// then whose right symbol was made earlier. A last character's bytes end in `</w>`.
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
  // Counts the pairs of all words. Throws Refusal where a count could leave 63 bits.
  Learner(const std::vector<Word>& words, size_t threads);

  // Makes the next merge; false where no pair is left.
  bool next(Merge& merge);

  const Symbols& symbols() const { return symbols_; }
  size_t characters() const { return cells_.size() - counts_.size() - 1; }
  size_t pairs() const { return pairs_.size(); }

 private:
  using Pair = uint32_t;
  static constexpr Pair kNone = UINT32_MAX;

  // One character of the distinct words, laid end to end with a boundary between. A symbol has its
  // number in its first and its last cell, and in its first the pair that it forms with the next.
  struct Cell {
    Symbol symbol;
    Pair pair;
    uint32_t word;
  };

  // All places of a pair come into being in one merge (that of its younger symbol) and then only
  // go: so they are one array, made once; and whether a place still holds is one comparison.
  struct Places {
    Symbol left;
    Symbol right;
    int64_t count;
    const uint32_t* places;
    uint32_t size;
  };

  struct Found {
    Pair pair;
    uint32_t place;
  };

  void lay_cells(const std::vector<Word>& words, size_t threads);
  void count_pairs(size_t words, size_t threads);
  Pair best();
  bool before(Pair one, Pair other) const;
  void file(Pair pair);
  void apply(Pair best, Symbol made);
  Pair neighbour(std::vector<Pair>& known, Symbol by, Symbol left, Symbol right);
  void keep_places(Pair first);
  uint32_t* reserve(size_t size);

  Symbols symbols_;
  std::vector<int64_t> counts_;  // of words
  std::vector<size_t> starts_;   // of words in cells_
  std::vector<Cell> cells_;
  std::vector<Places> pairs_;

  // Pairs by a count that they had once; never less than they have now.
  std::map<int64_t, std::vector<Pair>> filed_;
  std::vector<Pair> current_;  // heap by the tie rule of the pairs filed under current_count_
  int64_t current_count_ = INT64_MAX;

  std::vector<Found> found_;         // places of the pairs that one merge makes
  std::vector<Pair> left_, right_;   // by a neighbour's symbol: the pair with the new symbol
  std::vector<std::unique_ptr<uint32_t[]>> blocks_;
  uint32_t* free_ = nullptr;
  size_t free_size_ = 0;
};

}  // namespace bpe
