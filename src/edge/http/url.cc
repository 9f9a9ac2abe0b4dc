#include "edge/http/url.h"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace godwit::http {
namespace {

Error wrong(std::string_view text, std::string_view why) {
  return Error::syntax("\"" + std::string(text) + "\" " + std::string(why) + "; write for example \"https://hooks.example.net/mail\"", 0);
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  const auto parsed = boost::urls::parse_uri(boost::urls::string_view(text.data(), text.size()));
  if (!parsed) return fail(wrong(text, "is not a URL"));
  Url url;
  url.tls = parsed->scheme_id() == boost::urls::scheme::https;
  if (!url.tls && parsed->scheme_id() != boost::urls::scheme::http) return fail(wrong(text, "is neither https nor http"));
  if (parsed->has_userinfo()) return fail(wrong(text, "has a user in it: requests are signed instead"));
  if (parsed->has_fragment()) return fail(wrong(text, "has a # in it"));
  url.host = std::string(parsed->host_address());
  if (url.host.empty()) return fail(wrong(text, "names no host"));
  if (parsed->has_port() && parsed->port_number() == 0) return fail(wrong(text, "has a port that cannot be"));
  url.port = parsed->has_port() ? parsed->port_number() : url.tls ? 443 : 80;
  url.target = std::string(parsed->encoded_target());
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  url.authority = std::string(parsed->encoded_host());
  if (url.port != (url.tls ? 443 : 80)) url.authority += ":" + std::to_string(url.port);
  return url;
}

}  // namespace godwit::http
