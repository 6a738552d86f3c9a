// Invalid text or arguments: printed as one line, exit status 2.
#pragma once

#include <stdexcept>
#include <string>

namespace bpe {

struct InvalidInput : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace bpe
