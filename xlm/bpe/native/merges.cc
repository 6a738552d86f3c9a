#include "merges.hh"

#include <algorithm>

#include "pair_table.hh"
#include "parallel.hh"
#include "refusal.hh"

namespace bpe {
namespace {

constexpr size_t kBlockPlaces = 1 << 18;

}  // namespace

Learner::Learner(const std::vector<Word>& words, size_t threads) : symbols_(words) {
  lay_cells(words, threads);
  count_pairs(words.size(), threads);
}

void Learner::lay_cells(const std::vector<Word>& words, size_t threads) {
  // Twice the number of characters times their words' counts bounds every count and sum of counts.
  unsigned __int128 bound = 0;
  size_t place = 1;
  for (const Word& word : words) {
    size_t characters = 0;
    for (const char byte : word.bytes()) characters += (byte & 0xC0) != 0x80;
    starts_.push_back(place);
    place += characters + 1;
    bound += static_cast<unsigned __int128>(word.count) * characters;
    if (bound > INT64_MAX / 2) throw Refusal("the counts of pairs leave 63 bits");
    counts_.push_back(static_cast<int64_t>(word.count));
  }
  starts_.push_back(place);
  if (place > kNone) throw Refusal("more than 4,294,967,295 characters in distinct words");
  cells_.assign(place, {kBoundary, kNone, 0});
  run_parts(threads, words.size(), [&](size_t, size_t begin, size_t end) {
    for (size_t word = begin; word < end; ++word) {
      Cell* cell = &cells_[starts_[word]];
      each_character(words[word].bytes(), [&](uint32_t character, bool last) {
        *cell++ = {symbols_.of_character(character, last), kNone, static_cast<uint32_t>(word)};
      });
    }
  });
}

void Learner::count_pairs(size_t words, size_t threads) {
  // Each thread numbers the pairs of its words, then these numbers become common ones.
  std::vector<PairTable> tables(threads);
  run_parts(threads, words, [&](size_t thread, size_t begin, size_t end) {
    for (size_t word = begin; word < end; ++word) {
      for (size_t at = starts_[word]; at + 2 < starts_[word + 1]; ++at) {
        const uint64_t key = uint64_t{cells_[at].symbol} << 32 | cells_[at + 1].symbol;
        cells_[at].pair = tables[thread].add(key, counts_[word], 1);
      }
    }
  });
  PairTable all;
  std::vector<std::vector<Pair>> numbers(threads);
  for (size_t thread = 0; thread < threads; ++thread) {
    for (const PairCount& pair : tables[thread].pairs()) {
      numbers[thread].push_back(all.add(pair.key, pair.count, pair.places));
    }
  }
  std::vector<uint32_t*> next;
  for (const PairCount& pair : all.pairs()) {
    next.push_back(reserve(pair.places));
    const auto left = static_cast<Symbol>(pair.key >> 32), right = static_cast<Symbol>(pair.key);
    pairs_.push_back({left, right, pair.count, next.back(), pair.places});
    file(static_cast<Pair>(pairs_.size() - 1));
  }
  // A thread's places of a pair stand behind those of the threads before it: in ascending order.
  std::vector<std::vector<uint32_t*>> cursors(threads);
  for (size_t thread = 0; thread < threads; ++thread) {
    const std::vector<PairCount>& own = tables[thread].pairs();
    for (size_t number = 0; number < own.size(); ++number) {
      uint32_t*& free = next[numbers[thread][number]];
      cursors[thread].push_back(free);
      free += own[number].places;
    }
  }
  run_parts(threads, words, [&](size_t thread, size_t begin, size_t end) {
    for (size_t place = starts_[begin]; place < starts_[end]; ++place) {
      Pair& pair = cells_[place].pair;
      if (pair == kNone) continue;
      *cursors[thread][pair]++ = static_cast<uint32_t>(place);
      pair = numbers[thread][pair];
    }
  });
}

bool Learner::next(Merge& merge) {
  const Pair pair = best();
  if (pair == kNone) return false;
  const Symbol left = pairs_[pair].left, right = pairs_[pair].right;
  merge = {left, right, pairs_[pair].count};
  apply(pair, symbols_.merge(left, right));
  return true;
}

// Counts only fall, so a pair that still has the count under which it is filed has the largest.
Learner::Pair Learner::best() {
  const auto later = [this](Pair one, Pair other) { return before(other, one); };
  for (;;) {
    while (!current_.empty()) {
      std::pop_heap(current_.begin(), current_.end(), later);
      const Pair pair = current_.back();
      current_.pop_back();
      if (pairs_[pair].count == current_count_) return pair;
      file(pair);
    }
    if (filed_.empty()) return kNone;
    const auto largest = std::prev(filed_.end());
    current_count_ = largest->first;
    current_.swap(largest->second);
    filed_.erase(largest);
    const auto fallen = std::partition(current_.begin(), current_.end(), [this](Pair pair) {
      return pairs_[pair].count == current_count_;
    });
    std::for_each(fallen, current_.end(), [this](Pair pair) { file(pair); });
    current_.erase(fallen, current_.end());
    std::make_heap(current_.begin(), current_.end(), later);
  }
}

bool Learner::before(Pair one, Pair other) const {
  const Places &first = pairs_[one], &second = pairs_[other];
  if (const int order = symbols_.compare(first.left, second.left)) return order < 0;
  if (const int order = symbols_.compare(first.right, second.right)) return order < 0;
  return first.left != second.left ? first.left < second.left : first.right < second.right;
}

void Learner::file(Pair pair) {
  const int64_t count = pairs_[pair].count;
  if (count > 0) filed_[count].push_back(pair);
}

void Learner::apply(Pair best, Symbol made) {
  const Symbol left = pairs_[best].left, right = pairs_[best].right;
  const uint32_t left_size = symbols_.characters(left), right_size = symbols_.characters(right);
  const auto first_new = static_cast<Pair>(pairs_.size());
  left_.resize(symbols_.size(), 0);
  right_.resize(symbols_.size(), 0);
  found_.clear();
  // From left to right: in `aaa` the first two `a` become one.
  const uint32_t* const places = pairs_[best].places;
  for (uint32_t number = 0; number < pairs_[best].size; ++number) {
    const uint32_t at = places[number];
    if (cells_[at].pair != best) continue;
    const int64_t count = counts_[cells_[at].word];
    const uint32_t middle = at + left_size, end = middle + right_size;
    if (const Symbol before = cells_[at - 1].symbol; before != kBoundary) {
      const uint32_t place = at - symbols_.characters(before);
      pairs_[cells_[place].pair].count -= count;
      const Pair pair = neighbour(left_, before, before, made);
      pairs_[pair].count += count;
      cells_[place].pair = pair;
      found_.push_back({pair, place});
    }
    cells_[at].pair = kNone;
    if (const Symbol behind = cells_[end].symbol; behind != kBoundary) {
      pairs_[cells_[middle].pair].count -= count;
      const Pair pair = neighbour(right_, behind, made, behind);
      pairs_[pair].count += count;
      cells_[at].pair = pair;
      found_.push_back({pair, at});
    }
    cells_[middle].pair = kNone;
    cells_[at].symbol = cells_[end - 1].symbol = made;
  }
  pairs_[best].count = 0;
  keep_places(first_new);
}

// The pair of a neighbour and the new symbol. Pairs of this merge are those numbered since it
// began; `known` may hold older ones, which are none of them.
Learner::Pair Learner::neighbour(std::vector<Pair>& known, Symbol by, Symbol left, Symbol right) {
  const Pair pair = known[by];
  if (pair < pairs_.size() && pairs_[pair].left == left && pairs_[pair].right == right) return pair;
  if (pairs_.size() >= kNone) throw Refusal("more than 4,294,967,295 pairs");
  pairs_.push_back({left, right, 0, nullptr, 0});
  return known[by] = static_cast<Pair>(pairs_.size() - 1);
}

void Learner::keep_places(Pair first) {
  for (const Found& found : found_) ++pairs_[found.pair].size;
  std::vector<uint32_t*> next;
  for (Pair pair = first; pair < pairs_.size(); ++pair) {
    next.push_back(reserve(pairs_[pair].size));
    pairs_[pair].places = next.back();
    if (pairs_[pair].count == current_count_) {
      current_.push_back(pair);
      std::push_heap(current_.begin(), current_.end(),
                     [this](Pair one, Pair other) { return before(other, one); });
    } else {
      file(pair);
    }
  }
  for (const Found& found : found_) *next[found.pair - first]++ = found.place;
}

uint32_t* Learner::reserve(size_t size) {
  if (size > free_size_) {
    free_size_ = std::max(kBlockPlaces, size);
    blocks_.emplace_back(new uint32_t[free_size_]);
    free_ = blocks_.back().get();
  }
  uint32_t* const reserved = free_;
  free_ += size;
  free_size_ -= size;
  return reserved;
}

}  // namespace bpe
