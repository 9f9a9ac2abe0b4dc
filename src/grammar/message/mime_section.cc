#include "grammar/message/mime.h"

namespace godwit::message {
namespace {

std::optional<std::uint32_t> child(const Part& part, std::uint32_t number) {
  if (number == 0 || number > part.children.size()) return std::nullopt;
  return part.children[number - 1];
}

}  // namespace

std::optional<std::uint32_t> find_part(const Structure& structure, std::span<const std::uint32_t> numbers) {
  if (structure.parts.empty()) return std::nullopt;
  std::uint32_t at = 0;
  bool as_message = true;  // RFC 3501 6.4.5: every message has a part 1, which is itself if it is no multipart
  for (const auto number : numbers) {
    if (!as_message && structure.parts[at].kind == Part::Kind::message) {
      at = structure.parts[at].children.front();
      as_message = true;
    }
    const Part& part = structure.parts[at];
    if (part.kind == Part::Kind::multipart) {
      const auto next = child(part, number);
      if (!next) return std::nullopt;
      at = *next;
    } else if (!as_message || number != 1) {
      return std::nullopt;
    }
    as_message = false;
  }
  return at;
}

std::optional<ByteRange> find_section(const Structure& structure, std::span<const std::uint32_t> numbers, Section section) {
  const auto at = find_part(structure, numbers);
  if (!at) return std::nullopt;
  const Part* part = &structure.parts[*at];
  const bool root = numbers.empty();
  if (section == Section::body) return ByteRange{root ? part->header_begin : part->body_begin, part->body_end};
  if (section == Section::mime) {
    if (root) return std::nullopt;
    return ByteRange{part->header_begin, part->body_begin};
  }
  if (!root) {
    if (part->kind != Part::Kind::message) return std::nullopt;
    part = &structure.parts[part->children.front()];
  }
  if (section == Section::header) return ByteRange{part->header_begin, part->body_begin};
  return ByteRange{part->body_begin, part->body_end};
}

}  // namespace godwit::message
