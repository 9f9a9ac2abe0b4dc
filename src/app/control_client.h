#pragma once
// How a command reaches the server: over the control socket, or, with the server down, by opening the store itself.
// One thread; a command makes one client.

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <string>

#include "app/config.h"
#include "base/result.h"
#include "edge/http/exchange.h"

namespace godwit::app {

class ControlClient {
 public:
  explicit ControlClient(Config config);
  ~ControlClient();

  // The JSON of a good answer; the server's sentence as an error otherwise.
  Result<boost::json::value> call(std::string method, std::string target, boost::json::object body = {});

 private:
  struct Offline;
  Result<boost::json::value> call_offline(http::Request request);

  Config config_;
  std::unique_ptr<Offline> offline_;  // opened by the first call that finds no server
};

// A path segment with everything percent-encoded that is not unreserved (RFC 3986 2.3).
std::string encode_segment(std::string_view text);

}  // namespace godwit::app
