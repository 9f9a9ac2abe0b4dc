#include "mime_invariants.h"

#include "base/utf8.h"
#include "grammar/message/charset.h"
#include "grammar/message/encoded_word.h"

namespace godwit::conformance {
namespace {

message::Structure parse(std::string_view text, std::size_t piece) {
  message::MimeParser parser;
  for (std::size_t i = 0; i < text.size(); i += piece) parser.feed(text.substr(i, piece));
  return parser.finish();
}

std::string check_part(std::string_view text, const message::Structure& structure, const message::Part& part) {
  if (part.header_begin > part.body_begin || part.body_begin > part.body_end || part.body_end > text.size())
    return "offsets are not in order";
  std::uint64_t end = part.body_begin;
  for (const auto child : part.children) {
    const auto& inside = structure.parts.at(child);
    if (inside.header_begin < end || inside.body_end > part.body_end) return "a part is not inside its parent";
    end = inside.body_end;
  }
  for (const auto& parameter : part.type.parameters) {
    if (!is_utf8(message::decoded(parameter))) return "a parameter is not UTF-8";
  }
  const auto charset = message::find_parameter(part.type.parameters, "charset").value_or("us-ascii");
  if (!is_utf8(message::to_utf8(decoded_body(text, part), charset))) return "a body does not become UTF-8";
  return "";
}

}  // namespace

std::string_view cut(std::string_view message, std::uint64_t begin, std::uint64_t end) { return message.substr(begin, end - begin); }

std::string with_lf(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' || i + 1 >= text.size() || text[i + 1] != '\n') out.push_back(text[i]);
  }
  return out;
}

std::string decoded_body(std::string_view message, const message::Part& part) {
  std::string out;
  message::ContentDecoder decoder(part.kind == message::Part::Kind::leaf ? part.encoding : message::TransferEncoding::binary);
  decoder.feed(cut(message, part.body_begin, part.body_end), out);
  decoder.finish(out);
  return out;
}

std::string check_structure(std::string_view message) {
  const auto structure = message::parse_mime(message);
  for (const std::size_t piece : {1UL, 2UL, 7UL, 64UL, 1024UL}) {
    if (parse(message, piece) != structure) return "pieces of " + std::to_string(piece) + " have another structure";
  }
  if (structure.parts.empty() || structure.limited) return "it has no structure, or meets a limit";
  const auto& root = structure.parts.front();
  if (root.header_begin != 0 || root.body_end != message.size() || structure.size != message.size()) return "bytes are missing";
  for (const auto& part : structure.parts) {
    if (auto why = check_part(message, structure, part); !why.empty()) return why;
  }
  for (const auto& envelope : structure.envelopes) {
    if (!is_utf8(message::decode_words(envelope.subject.value_or("")))) return "a subject does not become UTF-8";
  }
  if (message::parse_envelope(cut(message, 0, root.body_begin)) != structure.envelopes.front()) return "the envelope alone is another";
  return "";
}

}  // namespace godwit::conformance
