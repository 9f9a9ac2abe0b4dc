// The MIME parser: the segmentation makes no difference, offsets are ordered and nested, indices are those of a tree, limits hold.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "grammar/message/mime.h"

using namespace godwit;

namespace {

message::Structure parse(std::string_view input, std::size_t piece) {
  message::MimeParser parser;
  for (std::size_t i = 0; i < input.size(); i += piece) parser.feed(input.substr(i, piece));
  return parser.finish();
}

void require(bool holds) {
  if (!holds) std::abort();
}

void check_part(const message::Structure& structure, std::uint32_t index, std::string_view input) {
  const auto& part = structure.parts[index];
  require(part.header_begin <= part.body_begin && part.body_begin <= part.body_end && part.body_end <= structure.size);
  const auto body = input.substr(part.body_begin, part.body_size());
  const auto header = input.substr(part.header_begin, part.header_size());
  require(part.body_lines == static_cast<std::uint64_t>(std::count(body.begin(), body.end(), '\n')));
  require(part.header_lines == static_cast<std::uint64_t>(std::count(header.begin(), header.end(), '\n')));
  require(part.is_message || !part.envelope);
  require(part.kind != message::Part::Kind::leaf || part.children.empty());
  require(part.kind != message::Part::Kind::message || part.children.size() == 1);
  require(part.depth <= message::kMaxMimeDepth);
  std::uint64_t end = part.body_begin;
  for (const auto child : part.children) {
    require(child > index && child < structure.parts.size());
    const auto& inside = structure.parts[child];
    require(inside.parent == index && inside.depth == part.depth + 1);
    require(inside.header_begin >= end && inside.body_end <= part.body_end);
    require(inside.is_message == (part.kind == message::Part::Kind::message));
    end = inside.body_end;
  }
  for (const auto& parameter : part.type.parameters) require(is_utf8(message::decoded(parameter)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = message::parse_mime(input);
  require(whole == parse(input, 1));
  require(whole == parse(input, 1 + data[0]));
  require(whole.size == input.size() && !whole.parts.empty() && whole.parts.size() <= message::kMaxMimeParts);
  for (std::uint32_t i = 0; i < whole.parts.size(); ++i) check_part(whole, i, input);
  return 0;
}
