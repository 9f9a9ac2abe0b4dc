#pragma once
// Numbers of one to ten bytes, seven bits each, the lowest first; the highest bit says that another follows. Values, any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace godwit::mailbox {

void append_varint(std::string& out, std::uint64_t value);
// A difference in either direction, small ones short.
void append_difference(std::string& out, std::uint64_t from, std::uint64_t to);

// Takes numbers off the front of bytes that may be damaged: what is not there reads as 0 and makes ok() false.
class VarintReader {
 public:
  explicit VarintReader(std::string_view bytes) : left_(bytes) {}

  bool ok() const { return ok_; }
  bool done() const { return left_.empty() || !ok_; }
  std::uint64_t number();
  std::uint64_t differing(std::uint64_t from);
  std::uint8_t byte();
  std::string_view bytes(std::uint64_t length);

 private:
  std::string_view left_;
  bool ok_ = true;
};

}  // namespace godwit::mailbox
