#include "isemail_xml.h"

#include <charconv>
#include <cstdint>

namespace godwit::conformance {
namespace {

void append_utf8(std::string& out, std::uint32_t point) {
  if (point < 0x80) {
    out.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    out.push_back(static_cast<char>(0xc0 | point >> 6));
    out.push_back(static_cast<char>(0x80 | (point & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xe0 | point >> 12));
    out.push_back(static_cast<char>(0x80 | (point >> 6 & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (point & 0x3f)));
  }
}

// SOURCE.md: U+2400 + n stands for the control character n
void append_point(std::string& out, std::uint32_t point) { append_utf8(out, point >= 0x2400 && point < 0x2420 ? point - 0x2400 : point); }

void append_entity(std::string& out, std::string_view name) {
  if (name.starts_with('#')) {
    std::uint32_t point = 0;
    const bool hex = name.starts_with("#x");
    const auto digits = name.substr(hex ? 2 : 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), point, hex ? 16 : 10);
    append_point(out, point);
    return;
  }
  out += name == "amp" ? "&" : name == "lt" ? "<" : name == "gt" ? ">" : name == "quot" ? "\"" : name == "apos" ? "'" : "";
}

std::string decode(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto semicolon = text.find(';');
    if (text[0] == '&' && semicolon != std::string_view::npos) {
      append_entity(out, text.substr(1, semicolon - 1));
      text.remove_prefix(semicolon + 1);
    } else if (text.size() >= 3 && text[0] == '\xe2' && text[1] == '\x90' && static_cast<unsigned char>(text[2]) < 0xa0) {
      append_point(out, 0x2400U + (static_cast<unsigned char>(text[2]) & 0x3fU));  // the same character as UTF-8
      text.remove_prefix(3);
    } else {
      out.push_back(text[0]);
      text.remove_prefix(1);
    }
  }
  return out;
}

// What stands between <tag> and </tag>; empty for <tag/> and for none.
std::string_view element(std::string_view text, const std::string& tag) {
  const auto begin = text.find("<" + tag + ">");
  if (begin == std::string_view::npos) return {};
  const auto inside = text.substr(begin + tag.size() + 2);
  return inside.substr(0, inside.find("</" + tag + ">"));
}

}  // namespace

std::vector<IsemailCase> parse_isemail(std::string_view xml) {
  std::vector<IsemailCase> out;
  constexpr std::string_view kOpen = "<test id=\"";
  for (auto begin = xml.find(kOpen); begin != std::string_view::npos; begin = xml.find(kOpen, begin + 1)) {
    const auto test = xml.substr(begin, xml.find("</test>", begin) - begin);
    const auto id = test.substr(kOpen.size(), test.find('"', kOpen.size()) - kOpen.size());
    out.push_back({std::string(id), decode(element(test, "address")), std::string(element(test, "category")),
                   std::string(element(test, "diagnosis"))});
  }
  return out;
}

}  // namespace godwit::conformance
