// The preview of any message: UTF-8, of bounded length, without control characters; references and header text of it come to an end too.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/utf8.h"
#include "grammar/message/preview.h"
#include "grammar/message/references.h"
#include "grammar/message/text_search.h"

using namespace godwit;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_preview(const std::string& text) {
  std::size_t characters = 0;
  for (std::string_view rest = text; !rest.empty(); ++characters) {
    const auto length = utf8_length(rest);
    require(length > 0 && !is_control(utf8_code_point(rest, length)));
    rest.remove_prefix(length);
  }
  require(characters <= message::kMaxPreview);
  require(!text.starts_with(' ') && !text.ends_with(' ') && text.find("  ") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto structure = message::parse_mime(input);
  const auto parts = message::preview_parts(structure);
  require(parts.size() <= message::kMaxPreviewParts);
  for (const auto index : parts) {
    const auto& part = structure.parts.at(index);
    check_preview(message::make_preview(part, input.substr(part.body_begin, part.body_size())));
  }
  message::Part html;
  html.type.subtype = "html";
  check_preview(message::make_preview(html, input));
  check_preview(message::make_preview(message::Part(), input));
  require(is_utf8(message::header_text(input)));
  require(message::find_references(input).size() <= message::kMaxMessageIds);
  return 0;
}
