#include "grammar/sasl/plain.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace godwit::sasl {

bool is_sasl_text(std::string_view text) { return !text.contains('\0') && is_utf8(text); }

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
