#include "spf_zone.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "edge/dns/name.h"
#include "suite.h"

namespace godwit::conformance {
namespace {

bool is_name(std::string_view name) { return dns::normal_name(name).has_value(); }

// The address whose reverse name this is.
std::optional<IpAddress> address_of(std::string_view reverse_name) {
  std::string name = ascii_lower(reverse_name);
  if (name.ends_with('.')) name.pop_back();
  std::vector<std::string> labels;
  for (std::size_t begin = 0; begin <= name.size();) {
    const auto end = std::min(name.find('.', begin), name.size());
    labels.insert(labels.begin(), name.substr(begin, end - begin));
    begin = end + 1;
  }
  if (labels.size() == 6 && labels[1] == "in-addr") {
    const auto v4 = parse_ip(fmt::format("{}.{}.{}.{}", labels[2], labels[3], labels[4], labels[5]));
    return v4 ? std::optional(*v4) : std::nullopt;
  }
  if (labels.size() != 34 || labels[1] != "ip6") return std::nullopt;
  std::string text;
  for (std::size_t i = 2; i < labels.size(); ++i) text += (i > 2 && (i - 2) % 4 == 0 ? ":" : "") + labels[i];
  const auto v6 = parse_ip(text);
  return v6 ? std::optional(*v6) : std::nullopt;
}

}  // namespace

void SpfZone::txt(std::string_view name, std::string_view text) {
  if (is_name(name)) dns_.add_txt(name, text);
}
void SpfZone::address(std::string_view name, std::string_view address) {
  if (is_name(name) && parse_ip(address)) dns_.add_address(name, address);
}
void SpfZone::mx(std::string_view name, unsigned preference, std::string_view exchange) {
  if (is_name(name) && is_name(exchange)) dns_.add_mx(name, static_cast<std::uint16_t>(preference), exchange);
}
void SpfZone::cname(std::string_view name, std::string_view target) {
  if (is_name(name) && is_name(target)) dns_.add_cname(name, target);
}
void SpfZone::ptr(std::string_view address, std::string_view name) {
  if (is_name(name) && parse_ip(address)) dns_.add_ptr(address, name);
}
void SpfZone::ptr_at(std::string_view reverse_name, std::string_view name) {
  const auto address = address_of(reverse_name);
  if (address) ptr(address->text(), name);
}
void SpfZone::time_out(std::string_view name, dns::Type type) { dns_.fail(name, type, "no answer"); }
void SpfZone::time_out(std::string_view name) { dns_.fail(name, "no answer"); }

spf::Verdicts SpfZone::check(const spf::Question& question, const spf::Limits& limits) {
  return loop_.run(spf::check_helo_and_mail_from(dns_, loop_.clock(), question, limits));
}
spf::Verdict SpfZone::check_host(const spf::Question& question, const spf::Limits& limits) {
  return loop_.run(spf::check_host(dns_, loop_.clock(), question, limits));
}

bool is_one_of(spf::Result result, const std::vector<std::string>& expected) {
  return std::ranges::any_of(expected, [result](const std::string& word) { return ascii_iequals(word, to_string(result)); });
}

bool same_explanation(std::string_view ours, std::string_view expected) { return ascii_iequals(ours, expected); }

std::string difference(const spf::Verdict& verdict, const std::vector<std::string>& expected) {
  return fmt::format("expected {}, got {}: {}", fmt::join(expected, " or "), to_string(verdict.result), printable(verdict.reason));
}

}  // namespace godwit::conformance
