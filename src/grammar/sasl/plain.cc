#include "grammar/sasl/plain.h"

#include <algorithm>
#include <array>

namespace godwit::sasl {
namespace {

// A well-formed UTF-8 sequence at the front of `text`: its length, else 0 (RFC 3629 4).
std::size_t sequence_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool outside = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
  return overlong || outside ? 0 : length;
}

}  // namespace

bool is_sasl_text(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = text[0] == '\0' ? 0 : sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

Result<Credentials> parse_plain(std::string_view message) {
  if (message.size() > kMaxResponse) return fail(Error::permanent(Error::Cause::limit, "the response is too long"));
  const auto first = message.find('\0');
  if (first == std::string_view::npos) return fail(Error::syntax("PLAIN is authzid NUL authcid NUL password", message.size()));
  const auto second = message.find('\0', first + 1);
  if (second == std::string_view::npos) return fail(Error::syntax("PLAIN is authzid NUL authcid NUL password", message.size()));
  const auto authzid = message.substr(0, first);
  const auto authcid = message.substr(first + 1, second - first - 1);
  const auto password = message.substr(second + 1);
  if (authcid.empty()) return fail(Error::syntax("the user name is empty", first + 1));
  // RFC 4616 2: passwd = 1*SAFE
  if (password.empty()) return fail(Error::syntax("the password is empty", second + 1));
  if (authzid.size() > kMaxName || authcid.size() > kMaxName)
    return fail(Error::permanent(Error::Cause::limit, "the user name is too long"));
  if (password.size() > kMaxPassword) return fail(Error::permanent(Error::Cause::limit, "the password is too long"));
  if (!is_sasl_text(authzid)) return fail(Error::syntax("the authorization name is not UTF-8", 0));
  if (!is_sasl_text(authcid)) return fail(Error::syntax("the user name is not UTF-8", first + 1));
  if (!is_sasl_text(password)) return fail(Error::syntax("the password is not UTF-8 or holds a NUL", second + 1));
  return Credentials{std::string(authzid), std::string(authcid), std::string(password)};
}

std::string build_plain(const Credentials& credentials) {
  std::string out = credentials.authzid;
  out.push_back('\0');
  out += credentials.authcid;
  out.push_back('\0');
  out += credentials.password;
  return out;
}

}  // namespace godwit::sasl
