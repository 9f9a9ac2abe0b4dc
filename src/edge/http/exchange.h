#pragma once
// One request and its response, as values: what handlers and the command line's client talk about. Any thread.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "edge/net/stream.h"

namespace godwit::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

// The first of that name, whatever its case; empty if there is none.
std::string_view find_header(const Headers& headers, std::string_view name);

struct Request {
  std::string method = "GET";
  std::string target = "/";                    // as sent: "/v1/queue?state=held"; a client fills this, a handler reads the two below
  std::string path{};                          // decoded: "/v1/queue"
  std::map<std::string, std::string> query{};  // decoded; the last of a name counts
  Headers headers{};
  std::string body{};
  Endpoint remote{};                                  // all zero on a Unix socket
  std::optional<net::PeerCredentials> credentials{};  // on a Unix socket alone

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
};

struct Response {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body{};
  Headers headers{};  // besides Content-Type, Content-Length and Connection

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
};

struct Target {
  std::string path;
  std::map<std::string, std::string> query;
};

// RFC 9112 3.2.1: origin form, "/path?name=value&name=value". Escapes are decoded, '+' in the query is a space
// (as forms send it); NUL and broken escapes are refused.
Result<Target> parse_target(std::string_view target);

}  // namespace godwit::http
