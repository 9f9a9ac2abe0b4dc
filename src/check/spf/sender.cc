#include "check/spf/sender.h"

#include <algorithm>

#include "base/bytes.h"
#include "grammar/smtp/path.h"

namespace godwit::spf {
namespace {

constexpr std::size_t kMaxName = 253;  // RFC 1035 2.3.4 in text, without the final dot
constexpr std::size_t kMaxLabel = 63;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 128; });
}

std::string clean_domain(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (is_ascii(text)) return ascii_lower(text);
  // RFC 8616 4: U-labels become A-labels before anything else is done with them
  if (auto domain = smtp::parse_domain(text)) return domain->text();
  return std::string(text);
}

}  // namespace

Sender sender_of(const Question& question) {
  constexpr std::string_view kPostmaster = "postmaster";
  if (question.identity == Identity::helo || question.mail_from.empty()) return {std::string(kPostmaster), clean_domain(question.helo)};
  const std::string_view path = question.mail_from;
  const auto at = path.rfind('@');  // the last one: a quoted local part may hold others
  if (at == std::string_view::npos) return {std::string(kPostmaster), clean_domain(path)};
  return {std::string(at == 0 ? kPostmaster : path.substr(0, at)), clean_domain(path.substr(at + 1))};
}

bool is_name(std::string_view target) {
  if (target.empty() || target.size() > kMaxName) return false;
  std::size_t label = 0;
  for (const char c : target) {
    if (c != '.') {
      if (++label > kMaxLabel) return false;
    } else if (label == 0) {
      return false;
    } else {
      label = 0;
    }
  }
  return label != 0;
}

bool is_checkable(std::string_view domain) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return is_name(domain) && domain.find('.') != std::string_view::npos && std::ranges::all_of(domain, fits);
}

std::string to_presentation(std::string_view target) {
  std::string out;
  for (const char c : target) {
    if (c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

}  // namespace godwit::spf
