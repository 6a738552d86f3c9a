// Splits a range over threads. Results must not depend on the number of threads.
#pragma once

#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace bpe {

// Calls work(0) to work(threads - 1), each in its own thread; rethrows the failure of the lowest.
template <typename Work>
void run_threads(size_t threads, Work work) {
  std::vector<std::exception_ptr> failures(threads);
  auto guarded = [&](size_t number) {
    try {
      work(number);
    } catch (...) {
      failures[number] = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  for (size_t number = 1; number < threads; ++number) others.emplace_back(guarded, number);
  guarded(0);
  for (auto& other : others) other.join();
  for (auto& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

// Calls work(number, begin, end) on consecutive parts of [0, size).
template <typename Work>
void run_parts(size_t threads, size_t size, Work work) {
  run_threads(threads, [&](size_t number) {
    work(number, size * number / threads, size * (number + 1) / threads);
  });
}

}  // namespace bpe
