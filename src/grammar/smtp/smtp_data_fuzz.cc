// DATA: decode(encode(x)) == x, and the segmentation makes no difference.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "grammar/smtp/data_reader.h"
#include "grammar/smtp/data_writer.h"

using namespace godwit;

namespace {

struct Read {
  std::string message;
  std::size_t used = 0;
  bool finished = false;
  smtp::Violation violation{};
  std::uint64_t at = 0;
  bool operator==(const Read&) const = default;
};

Read read(std::string_view input, std::size_t piece) {
  smtp::DataReader reader;
  Read out;
  for (std::size_t i = 0; i < input.size() && !reader.finished(); i += piece)
    out.used += reader.feed(input.substr(i, piece), [&](std::string_view bytes) { out.message.append(bytes); });
  out.finished = reader.finished();
  out.violation = reader.violation();
  out.at = reader.violation_at();
  return out;
}

// The plain definition: the end is the first ".\r\n" at the beginning or behind CRLF.
void check_end(std::string_view input, const Read& whole) {
  const auto inside = input.find("\r\n.\r\n");
  std::size_t end = input.starts_with(".\r\n") ? 3 : inside == std::string_view::npos ? std::string_view::npos : inside + 5;
  if (whole.finished != (end != std::string_view::npos)) std::abort();
  if (whole.finished && whole.used != end) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = 1 + data[0] % 64;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Read whole = read(input, std::max<std::size_t>(input.size(), 1));
  if (read(input, 1) != whole || read(input, piece) != whole) std::abort();
  check_end(input, whole);

  smtp::DataWriter writer;
  std::string wire;
  for (std::size_t i = 0; i < input.size(); i += piece) {
    if (!writer.append(wire, input.substr(i, piece))) break;
  }
  if (!writer.finish(wire)) return 0;
  const Read back = read(wire, piece);
  std::string expected(input);
  if (!expected.empty() && !expected.ends_with("\r\n")) expected += "\r\n";
  if (!back.finished || back.used != wire.size() || back.violation != smtp::Violation::none || back.message != expected) std::abort();
  return 0;
}
