#pragma once
// Canonicalisation as plainly as it can be written: whole strings, cut at CRLF, line by line. What the state machines have to
// agree with. And the bytes that a signature covers, by the same means.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "check/dkim/canonical.h"

namespace godwit::dkim::plain {

inline std::vector<std::string> split(std::string_view text, std::string_view at) {
  std::vector<std::string> out;
  for (;;) {
    const auto found = text.find(at);
    out.emplace_back(text.substr(0, found));
    if (found == std::string_view::npos) return out;
    text.remove_prefix(found + at.size());
  }
}

inline std::string collapse(std::string_view line) {
  std::string out;
  for (char c : line) {
    if (c == '\t') c = ' ';
    if (c != ' ' || !out.ends_with(' ')) out.push_back(c);
  }
  return out;
}

inline std::string without_end(std::string text) {
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

inline std::string body(Canonicalization how, std::string_view text) {
  auto lines = split(text, "\r\n");
  if (how == Canonicalization::relaxed)
    for (std::string& line : lines) line = without_end(collapse(line));
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (lines.empty()) return how == Canonicalization::simple ? "\r\n" : "";
  std::string out;
  for (const std::string& line : lines) out += line + "\r\n";
  return out;
}

inline std::string field(Canonicalization how, std::string_view text) {
  if (how == Canonicalization::simple) return std::string(text);
  std::string unfolded;
  for (const std::string& line : split(text, "\r\n")) unfolded += line;
  const auto colon = unfolded.find(':');
  std::string name = without_end(collapse(ascii_lower(std::string_view(unfolded).substr(0, colon))));
  if (name.starts_with(' ')) name.erase(0, 1);
  if (colon == std::string::npos) return name;
  std::string value = without_end(collapse(std::string_view(unfolded).substr(colon + 1)));
  if (value.starts_with(' ')) value.erase(0, 1);
  return name + ":" + value;
}

struct Message {
  std::vector<std::string> fields;  // without their last CRLF
  std::string body;
};

inline Message parse(std::string_view text) {
  Message out;
  bool in_field = false;
  while (!text.empty()) {
    const auto end = std::min(text.find("\r\n"), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 2, text.size()));
    if (line.empty()) {
      out.body = std::string(text);
      return out;
    }
    if (line[0] == ' ' || line[0] == '\t') {
      if (in_field) out.fields.back() += "\r\n" + line;
      continue;
    }
    const auto colon = line.find(':');
    const std::string name = without_end(collapse(std::string_view(line).substr(0, std::min(colon, line.size()))));
    in_field = colon != std::string::npos && !name.empty() && std::ranges::all_of(name, [](char c) { return c > 32 && c < 127; });
    if (in_field) out.fields.push_back(line);
  }
  return out;
}

inline std::string field_name(std::string_view text) { return without_end(collapse(ascii_lower(text.substr(0, text.find(':'))))); }

// What the topmost signature of a message covers, under these names: header, then body. Nothing: there is no signature.
inline std::optional<std::string> covered(std::string_view text, const std::vector<std::string>& names, Canonicalization header,
                                          Canonicalization of_body) {
  Message message = parse(text);
  const auto own = std::ranges::find_if(message.fields, [](const auto& each) { return field_name(each) == "dkim-signature"; });
  if (own == message.fields.end()) return std::nullopt;
  std::string signature = *own;
  message.fields.erase(own);
  const auto value = signature.rfind("b=") + 2;  // the last tag, and the base64 of a signature holds no "b="
  std::string out;
  for (const std::string& name : names) {
    for (auto i = message.fields.size(); i-- > 0;) {
      if (field_name(message.fields[i]) != name) continue;
      out += field(header, message.fields[i]) + "\r\n";
      message.fields.erase(message.fields.begin() + static_cast<std::ptrdiff_t>(i));
      break;
    }
  }
  const std::string data = signature.substr(value);
  out += field(header, signature.substr(0, value)) + "|";
  std::ranges::copy_if(data, std::back_inserter(out), [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; });
  return out + "|" + body(of_body, message.body);
}

}  // namespace godwit::dkim::plain
