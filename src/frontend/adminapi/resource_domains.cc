#include <boost/json/array.hpp>

#include "frontend/adminapi/resource.h"

namespace godwit::adminapi {

Answer domains(Context& context, Call call) {
  if (call.method == "GET" && call.path.empty()) {
    const auto all = co_await context.directory.list_domains();
    if (!all) co_return answer_error(all.error());
    boost::json::array list;
    for (const auto& domain : *all) list.push_back({{"domain", domain.text()}, {"unicode", domain.unicode()}});
    co_return answer_json({{"domains", std::move(list)}});
  }
  const bool add = call.method == "POST" && call.path.empty();
  const bool remove = call.method == "DELETE" && call.path.size() == 1;
  if (!add && !remove) co_return answer_not_found(call);
  const auto domain = smtp::parse_domain(add ? call.text("domain") : call.path[0]);
  if (!domain) co_return answer_error(domain.error());
  if (domain->is_literal()) co_return answer_error(400, "a domain is a name, not an address literal");
  const auto done = add ? co_await context.directory.add_domain(*domain) : co_await context.directory.remove_domain(*domain);
  if (!done) co_return answer_error(done.error());
  co_return answer_done();
}

}  // namespace godwit::adminapi
