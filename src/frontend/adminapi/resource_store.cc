#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "base/log.h"
#include "frontend/adminapi/resource.h"

namespace godwit::adminapi {
namespace {

// Rows and tables, then every record of the segments, then each account's counters against its rows.
Answer verify(Context& context) {
  boost::json::array findings;
  auto note = [&](const std::string& sentence) { findings.push_back(boost::json::value(sentence)); };
  const auto engine = co_await context.verify_engine();
  if (!engine) co_return answer_error(engine.error());
  for (const auto& finding : *engine) note(finding);
  const auto damage = co_await context.blobs.verify();
  if (!damage) co_return answer_error(damage.error());
  for (const auto& found : *damage) note(fmt::format("{}: {}", found.where, found.what));
  const auto accounts = co_await context.directory.list_accounts(std::nullopt);
  if (!accounts) co_return answer_error(accounts.error());
  for (const auto& account : *accounts) {
    const auto differences = co_await context.mailboxes.verify(account.id);
    if (!differences) co_return answer_error(differences.error());
    for (const auto& difference : *differences) note(fmt::format("{}: {}", account.address.text(), difference));
  }
  const bool good = findings.empty();
  co_return answer_json({{"ok", good}, {"accounts", accounts->size()}, {"findings", std::move(findings)}});
}

}  // namespace

Answer store_resource(Context& context, Call call) {
  if (call.method == "POST" && call.path.size() == 1 && call.path[0] == "verify") co_return co_await verify(context);
  co_return answer_not_found(call);
}

Answer status(Context& context, Call call) {
  if (call.method != "GET" || !call.path.empty()) co_return answer_not_found(call);
  co_return answer_json({{"ok", true},
                         {"time", format_rfc3339(context.clock.now())},
                         {"disk_full", context.engine.full() || context.blobs.full()},
                         {"log_lines_dropped", log::dropped()}});
}

}  // namespace godwit::adminapi
