#pragma once
// What the resources of the API share: requests cut into path and JSON, answers and errors. Inside adminapi only.

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/adminapi/control.h"

namespace godwit::adminapi {

struct Call {
  std::string method;
  std::vector<std::string> path;  // decoded, without "v1" and the resource's name
  http::Request request;
  boost::json::object body;  // {} without one

  std::string text(std::string_view key) const;                // "" when absent or not text
  std::vector<std::string> texts(std::string_view key) const;  // a list of texts
  std::string query(std::string_view key) const;
};

using Answer = Task<http::Response>;

http::Response answer_json(boost::json::value value, int status = 200);
http::Response answer_done();  // {"ok": true}
http::Response answer_error(int status, std::string_view sentence);
http::Response answer_error(const Error& error);
int status_of(const Error& error);  // 400, 404, 409 or 503
http::Response answer_not_found(const Call& call);

Answer domains(Context& context, Call call);
Answer accounts(Context& context, Call call);
Answer aliases(Context& context, Call call);
Answer mailboxes(Context& context, Call call);
Answer queue_resource(Context& context, Call call);
Answer trace_resource(Context& context, Call call);
Answer events_resource(Context& context, Call call);
Answer store_resource(Context& context, Call call);
Answer status(Context& context, Call call);

}  // namespace godwit::adminapi
