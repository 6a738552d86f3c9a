// Learns BPE merges: learn-bpe MERGES FILE [--threads N] [--counted]
//
// Writes up to MERGES lines `left right count` to standard output, fewer if no pair is left.
// FILE is a text, `-` for standard input; with --counted, it has lines `word count`.
// Standard error reports the size of the text. Exit status 2 means invalid text or arguments,
// explained in one line on standard error.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "invalid_input.hh"
#include "merges.hh"
#include "words.hh"

namespace {

constexpr int kInvalidInput = 2;
constexpr int kFailed = 3;
constexpr size_t kMaxThreads = 256;

struct Options {
  size_t merges = 0;
  std::string path;
  size_t threads = 1;
  bool counted = false;
};

size_t parse_number(const char* text) {
  char* end = nullptr;
  errno = 0;
  const unsigned long long number = std::strtoull(text, &end, 10);
  if (errno || end == text || *end != '\0' || std::strchr(text, '-') || number == 0) {
    throw bpe::InvalidInput(std::string("not a positive number: ") + text);
  }
  return number;
}

Options parse(int count, char** arguments) {
  Options options;
  for (int at = 1; at < count; ++at) {
    const std::string argument = arguments[at];
    if (argument == "--counted") {
      options.counted = true;
    } else if (argument == "--threads" && at + 1 < count) {
      options.threads = std::min(parse_number(arguments[++at]), kMaxThreads);
    } else if (options.merges == 0) {
      options.merges = parse_number(arguments[at]);
    } else if (options.path.empty()) {
      options.path = argument;
    } else {
      throw bpe::InvalidInput("too many arguments");
    }
  }
  if (options.path.empty()) {
    throw bpe::InvalidInput("usage: learn-bpe MERGES FILE [--threads N] [--counted]");
  }
  return options;
}

bpe::Text read(const Options& options) {
  const int file = options.path == "-" ? STDIN_FILENO : ::open(options.path.c_str(), O_RDONLY);
  if (file < 0) throw bpe::InvalidInput(options.path + ": " + std::strerror(errno));
  bpe::Text text = bpe::read_words(file, options.threads, options.counted);
  if (file != STDIN_FILENO) ::close(file);
  return text;
}

void learn(const Options& options) {
  bpe::Text text = read(options);
  bpe::Learner learner(text.words, options.threads);
  std::fprintf(stderr,
               "read %llu words of %zu types in %llu bytes; the longest has %llu bytes, all types "
               "together %zu characters\n",
               static_cast<unsigned long long>(text.occurrences), text.words.size(),
               static_cast<unsigned long long>(text.bytes),
               static_cast<unsigned long long>(text.longest_bytes), learner.characters());
  text = {};
  bpe::Merge merge;
  for (size_t done = 0; done < options.merges && learner.next(merge); ++done) {
    const std::string line = learner.symbols().text(merge.left) + " " +
                             learner.symbols().text(merge.right) + " " +
                             std::to_string(merge.count) + "\n";
    // Flushed after each line, so that the reader can show progress.
    if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout)) {
      throw std::runtime_error(std::string("writing the merges: ") + std::strerror(errno));
    }
  }
  std::fprintf(stderr, "made %zu pairs in all\n", learner.pairs());
}

int fail(const char* what, int status) {
  std::fprintf(stderr, "learn-bpe: %s\n", what);
  return status;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    learn(parse(count, arguments));
  } catch (const bpe::InvalidInput& error) {
    return fail(error.what(), kInvalidInput);
  } catch (const std::bad_alloc&) {
    return fail("not enough memory for the distinct words of this text", kFailed);
  } catch (const std::exception& error) {
    return fail(error.what(), kFailed);
  }
  return 0;
}
