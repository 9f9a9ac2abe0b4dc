#include "base/random.h"

#include <openssl/rand.h>

#include <cstring>

#include "base/result.h"

namespace godwit {
namespace {

class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> into) override { GODWIT_CHECK(RAND_bytes(into.data(), static_cast<int>(into.size())) == 1); }
};

}  // namespace

std::uint64_t Random::u64() {
  std::uint64_t value = 0;
  std::uint8_t bytes[sizeof value];
  fill(bytes);
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  // values at or above the largest multiple of bound would favour the small remainders
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    const std::uint64_t value = u64();
    if (value < limit) return value % bound;
  }
}

std::string Random::text(std::size_t length) {
  static constexpr char kAlphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
  static_assert(sizeof kAlphabet == 33);
  std::string out(length, '\0');
  fill({reinterpret_cast<std::uint8_t*>(out.data()), out.size()});
  for (char& c : out) c = kAlphabet[static_cast<unsigned char>(c) & 31];
  return out;
}

std::unique_ptr<Random> make_system_random() { return std::make_unique<SystemRandom>(); }

}  // namespace godwit
