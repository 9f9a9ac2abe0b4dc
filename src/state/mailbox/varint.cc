#include "state/mailbox/varint.h"

#include <array>

namespace godwit::mailbox {

void append_varint(std::string& out, std::uint64_t value) {
  std::array<char, 10> bytes;
  std::size_t size = 0;
  for (; value >= 0x80; value >>= 7) bytes[size++] = static_cast<char>(value | 0x80);
  bytes[size++] = static_cast<char>(value);
  out.append(bytes.data(), size);
}

// The sign goes into the lowest bit.
void append_difference(std::string& out, std::uint64_t from, std::uint64_t to) {
  const std::uint64_t difference = to - from;
  const std::uint64_t negative = difference >> 63 != 0 ? ~std::uint64_t{0} : 0;
  append_varint(out, (difference << 1) ^ negative);
}

std::uint64_t VarintReader::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t next = byte();
    value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
    if ((next & 0x80) == 0) return ok_ ? value : 0;
  }
  ok_ = false;
  return 0;
}

std::uint64_t VarintReader::differing(std::uint64_t from) {
  const std::uint64_t coded = number();
  const std::uint64_t negative = (coded & 1) != 0 ? ~std::uint64_t{0} : 0;
  return from + ((coded >> 1) ^ negative);
}

std::uint8_t VarintReader::byte() {
  if (left_.empty()) {
    ok_ = false;
    return 0;
  }
  const auto value = static_cast<std::uint8_t>(left_.front());
  left_.remove_prefix(1);
  return value;
}

std::string_view VarintReader::bytes(std::uint64_t length) {
  if (length > left_.size()) {
    ok_ = false;
    return {};
  }
  const std::string_view out = left_.substr(0, length);
  left_.remove_prefix(length);
  return out;
}

}  // namespace godwit::mailbox
