// Counts of symbol pairs: a list and an open-addressing hash table over it.
#pragma once

#include <cstdint>
#include <vector>

namespace bpe {

struct PairCount {
  uint64_t key;
  int64_t count;
  uint32_t positions;
};

class PairTable {
 public:
  PairTable() : slots_(1024, kEmpty) {}

  // Adds to the counts of a pair and returns its number.
  uint32_t add(uint64_t key, int64_t count, uint32_t positions) {
    const size_t mask = slots_.size() - 1;
    size_t slot = hash_of(key) & mask;
    for (; slots_[slot] != kEmpty; slot = (slot + 1) & mask) {
      PairCount& found = pairs_[slots_[slot]];
      if (found.key != key) continue;
      found.count += count;
      found.positions += positions;
      return slots_[slot];
    }
    const auto number = static_cast<uint32_t>(pairs_.size());
    slots_[slot] = number;
    pairs_.push_back({key, count, positions});
    if (pairs_.size() * 2 > slots_.size()) grow();
    return number;
  }

  const std::vector<PairCount>& pairs() const { return pairs_; }

 private:
  static constexpr uint32_t kEmpty = UINT32_MAX;

  static size_t hash_of(uint64_t key) {
    key = (key ^ key >> 32) * 0x9e3779b97f4a7c15u;
    return static_cast<size_t>(key >> 24);
  }

  void grow() {
    std::vector<uint32_t>(slots_.size() * 2, kEmpty).swap(slots_);
    const size_t mask = slots_.size() - 1;
    for (size_t number = 0; number < pairs_.size(); ++number) {
      size_t slot = hash_of(pairs_[number].key) & mask;
      while (slots_[slot] != kEmpty) slot = (slot + 1) & mask;
      slots_[slot] = static_cast<uint32_t>(number);
    }
  }

  std::vector<uint32_t> slots_;
  std::vector<PairCount> pairs_;
};

}  // namespace bpe
