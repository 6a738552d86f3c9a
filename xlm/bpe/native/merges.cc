#include "merges.hh"

#include <algorithm>

#include "invalid_input.hh"
#include "pair_table.hh"
#include "parallel.hh"

namespace bpe {
namespace {

constexpr size_t kBlockPositions = 1 << 18;

}  // namespace

Learner::Learner(const std::vector<Word>& words, size_t threads) : symbols_(words) {
  fill_slots(words, threads);
  count_pairs(words.size(), threads);
}

void Learner::fill_slots(const std::vector<Word>& words, size_t threads) {
  // Twice the characters of all words, times the counts of the words, bounds each sum of counts.
  unsigned __int128 bound = 0;
  size_t position = 1;
  for (const Word& word : words) {
    size_t characters = 0;
    for (const char byte : word.bytes()) characters += (byte & 0xC0) != 0x80;
    starts_.push_back(position);
    position += characters + 1;
    bound += static_cast<unsigned __int128>(word.count) * characters;
    if (bound > INT64_MAX / 2) throw InvalidInput("the counts of pairs exceed 63 bits");
    counts_.push_back(static_cast<int64_t>(word.count));
  }
  starts_.push_back(position);
  if (position > kNone) throw InvalidInput("more than 4,294,967,295 characters in distinct words");
  slots_.assign(position, {kBoundary, kNone, 0});
  run_parts(threads, words.size(), [&](size_t, size_t begin, size_t end) {
    for (size_t word = begin; word < end; ++word) {
      Slot* slot = &slots_[starts_[word]];
      each_character(words[word].bytes(), [&](uint32_t character, bool last) {
        *slot++ = {symbols_.of_character(character, last), kNone, static_cast<uint32_t>(word)};
      });
    }
  });
}

void Learner::count_pairs(size_t words, size_t threads) {
  // Each thread numbers the pairs of its words; then the numbers are mapped to common ones.
  std::vector<PairTable> tables(threads);
  run_parts(threads, words, [&](size_t thread, size_t begin, size_t end) {
    for (size_t word = begin; word < end; ++word) {
      for (size_t at = starts_[word]; at + 2 < starts_[word + 1]; ++at) {
        const uint64_t key = uint64_t{slots_[at].symbol} << 32 | slots_[at + 1].symbol;
        slots_[at].pair = tables[thread].add(key, counts_[word], 1);
      }
    }
  });
  PairTable all;
  std::vector<std::vector<Pair>> numbers(threads);
  for (size_t thread = 0; thread < threads; ++thread) {
    for (const PairCount& pair : tables[thread].pairs()) {
      numbers[thread].push_back(all.add(pair.key, pair.count, pair.positions));
    }
  }
  std::vector<uint32_t*> next;
  for (const PairCount& pair : all.pairs()) {
    next.push_back(reserve(pair.positions));
    const auto left = static_cast<Symbol>(pair.key >> 32), right = static_cast<Symbol>(pair.key);
    pairs_.push_back({left, right, pair.count, next.back(), pair.positions});
    enqueue(static_cast<Pair>(pairs_.size() - 1));
  }
  // Positions are stored thread after thread, so those of a pair are in ascending order.
  std::vector<std::vector<uint32_t*>> cursors(threads);
  for (size_t thread = 0; thread < threads; ++thread) {
    const std::vector<PairCount>& own = tables[thread].pairs();
    for (size_t number = 0; number < own.size(); ++number) {
      uint32_t*& free = next[numbers[thread][number]];
      cursors[thread].push_back(free);
      free += own[number].positions;
    }
  }
  run_parts(threads, words, [&](size_t thread, size_t begin, size_t end) {
    for (size_t position = starts_[begin]; position < starts_[end]; ++position) {
      Pair& pair = slots_[position].pair;
      if (pair == kNone) continue;
      *cursors[thread][pair]++ = static_cast<uint32_t>(position);
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

// Counts only fall. So a pair in the highest bucket with an unchanged count has the largest count.
Learner::Pair Learner::best() {
  const auto later = [this](Pair one, Pair other) { return before(other, one); };
  for (;;) {
    while (!current_.empty()) {
      std::pop_heap(current_.begin(), current_.end(), later);
      const Pair pair = current_.back();
      current_.pop_back();
      if (pairs_[pair].count == current_count_) return pair;
      enqueue(pair);
    }
    if (by_count_.empty()) return kNone;
    const auto largest = std::prev(by_count_.end());
    current_count_ = largest->first;
    current_.swap(largest->second);
    by_count_.erase(largest);
    const auto changed = std::partition(current_.begin(), current_.end(), [this](Pair pair) {
      return pairs_[pair].count == current_count_;
    });
    std::for_each(changed, current_.end(), [this](Pair pair) { enqueue(pair); });
    current_.erase(changed, current_.end());
    std::make_heap(current_.begin(), current_.end(), later);
  }
}

bool Learner::before(Pair one, Pair other) const {
  const PairEntry &first = pairs_[one], &second = pairs_[other];
  if (const int order = symbols_.compare(first.left, second.left)) return order < 0;
  if (const int order = symbols_.compare(first.right, second.right)) return order < 0;
  return first.left != second.left ? first.left < second.left : first.right < second.right;
}

void Learner::enqueue(Pair pair) {
  const int64_t count = pairs_[pair].count;
  if (count > 0) by_count_[count].push_back(pair);
}

void Learner::apply(Pair best, Symbol made) {
  const Symbol left = pairs_[best].left, right = pairs_[best].right;
  const uint32_t left_size = symbols_.characters(left), right_size = symbols_.characters(right);
  const auto first_new = static_cast<Pair>(pairs_.size());
  left_.resize(symbols_.size(), 0);
  right_.resize(symbols_.size(), 0);
  found_.clear();
  // From left to right: in `aaa`, the first two `a` are merged.
  const uint32_t* const positions = pairs_[best].positions;
  for (uint32_t number = 0; number < pairs_[best].size; ++number) {
    const uint32_t at = positions[number];
    if (slots_[at].pair != best) continue;
    const int64_t count = counts_[slots_[at].word];
    const uint32_t middle = at + left_size, end = middle + right_size;
    if (const Symbol before = slots_[at - 1].symbol; before != kBoundary) {
      const uint32_t position = at - symbols_.characters(before);
      pairs_[slots_[position].pair].count -= count;
      const Pair pair = neighbor(left_, before, before, made);
      pairs_[pair].count += count;
      slots_[position].pair = pair;
      found_.push_back({pair, position});
    }
    slots_[at].pair = kNone;
    if (const Symbol after = slots_[end].symbol; after != kBoundary) {
      pairs_[slots_[middle].pair].count -= count;
      const Pair pair = neighbor(right_, after, made, after);
      pairs_[pair].count += count;
      slots_[at].pair = pair;
      found_.push_back({pair, at});
    }
    slots_[middle].pair = kNone;
    slots_[at].symbol = slots_[end - 1].symbol = made;
  }
  pairs_[best].count = 0;
  store_positions(first_new);
}

// The pair of a neighbor and the new symbol. `known` maps the symbol of the neighbor to a pair; a
// number from before this merge, or for another pair, is outdated.
Learner::Pair Learner::neighbor(std::vector<Pair>& known, Symbol by, Symbol left, Symbol right) {
  const Pair pair = known[by];
  if (pair < pairs_.size() && pairs_[pair].left == left && pairs_[pair].right == right) return pair;
  if (pairs_.size() >= kNone) throw InvalidInput("more than 4,294,967,295 pairs");
  pairs_.push_back({left, right, 0, nullptr, 0});
  return known[by] = static_cast<Pair>(pairs_.size() - 1);
}

void Learner::store_positions(Pair first) {
  for (const Found& found : found_) ++pairs_[found.pair].size;
  std::vector<uint32_t*> next;
  for (Pair pair = first; pair < pairs_.size(); ++pair) {
    next.push_back(reserve(pairs_[pair].size));
    pairs_[pair].positions = next.back();
    if (pairs_[pair].count == current_count_) {
      current_.push_back(pair);
      std::push_heap(current_.begin(), current_.end(),
                     [this](Pair one, Pair other) { return before(other, one); });
    } else {
      enqueue(pair);
    }
  }
  for (const Found& found : found_) *next[found.pair - first]++ = found.position;
}

uint32_t* Learner::reserve(size_t size) {
  if (size > free_size_) {
    free_size_ = std::max(kBlockPositions, size);
    blocks_.emplace_back(new uint32_t[free_size_]);
    free_ = blocks_.back().get();
  }
  uint32_t* const reserved = free_;
  free_ += size;
  free_size_ -= size;
  return reserved;
}

}  // namespace bpe
