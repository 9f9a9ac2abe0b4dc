// /v1/accounts: GET [?domain=D] lists, POST {"address", "password"} adds. /v1/accounts/A: GET shows, PUT {"imap_without": [CAPABILITY...]}
// sets what is switched off for it, DELETE removes it with its mail. PUT /v1/accounts/A/password {"password"}.
// POST /v1/accounts/A/release: it was held for sending far above its habit, and may go on.

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>

#include "base/log.h"
#include "frontend/adminapi/resource.h"

namespace godwit::adminapi {
namespace {

boost::json::object described(const directory::Account& account) {
  return {{"address", account.address.text()},
          {"id", account.id},
          {"created", format_rfc3339(account.created)},
          {"imap_without", boost::json::value_from(account.imap_without)}};
}

Answer list_accounts(Context& context, Call call) {
  std::optional<smtp::Domain> only;
  if (const std::string text = call.query("domain"); !text.empty()) {
    auto domain = smtp::parse_domain(text);
    if (!domain) co_return answer_error(domain.error());
    only = std::move(*domain);
  }
  const auto all = co_await context.directory.list_accounts(only);
  if (!all) co_return answer_error(all.error());
  boost::json::array list;
  for (const auto& account : *all) list.push_back(described(account));
  co_return answer_json({{"accounts", std::move(list)}});
}

Answer show_account(Context& context, smtp::Address address) {
  const auto account = co_await context.directory.find_account(address);
  if (!account) co_return answer_error(account.error());
  if (!*account) co_return answer_error(404, "there is no account " + address.text());
  co_return answer_json(described(**account));
}

bool is_list_of_texts(const boost::json::value* value) {
  if (!value || !value->is_array()) return false;
  return std::ranges::all_of(value->as_array(), [](const auto& each) { return each.is_string(); });
}

Answer set_account(Context& context, smtp::Address address, Call call) {
  if (call.body.size() != 1 || !is_list_of_texts(call.body.if_contains("imap_without")))
    co_return answer_error(400, "what may be set is {\"imap_without\": [\"CAPABILITY\", ...]}; [] takes it back");
  Result<std::vector<std::string>> without = call.texts("imap_without");
  if (context.read_imap_without) without = context.read_imap_without(*std::move(without));
  if (!without) co_return answer_error(without.error());
  const auto done = co_await context.directory.set_imap_without(address, *std::move(without));
  if (!done) co_return answer_error(done.error());
  co_return co_await show_account(context, std::move(address));
}

// Its mail goes with it; what a crash interrupts here is finished at the next start.
Answer remove_account(Context& context, smtp::Address address) {
  const auto account = co_await context.directory.find_account(address);
  if (!account) co_return answer_error(account.error());
  const auto done = co_await context.directory.remove_account(address);
  if (!done) co_return answer_error(done.error());
  if (*account) {
    const auto erased = co_await context.mailboxes.apply_outbox((*account)->id);
    if (!erased) log::warning("mail_of_removed_account_left", {{"account", address.text()}, {"error", erased.error().text}});
  }
  co_return answer_done();
}

}  // namespace

Answer accounts(Context& context, Call call) {
  if (call.method == "GET" && call.path.empty()) co_return co_await list_accounts(context, std::move(call));
  const bool add = call.method == "POST" && call.path.empty();
  const bool show = call.method == "GET" && call.path.size() == 1;
  const bool set = call.method == "PUT" && call.path.size() == 1;
  const bool remove = call.method == "DELETE" && call.path.size() == 1;
  const bool release = call.method == "POST" && call.path.size() == 2 && call.path[1] == "release";
  const bool passwd = call.method == "PUT" && call.path.size() == 2 && call.path[1] == "password";
  if (!add && !show && !set && !remove && !passwd && !(release && context.forgive)) co_return answer_not_found(call);
  const auto address = smtp::parse_address(add ? call.text("address") : call.path[0]);
  if (!address) co_return answer_error(address.error());
  if (release) {
    const auto held = co_await context.forgive(address->text());
    if (!held) co_return answer_error(held.error());
    co_return answer_json({{"was_held", *held}});
  }
  if (show) co_return co_await show_account(context, *address);
  if (set) co_return co_await set_account(context, *address, std::move(call));
  if (remove) co_return co_await remove_account(context, *address);
  const std::string password = call.text("password");
  if (password.empty()) co_return answer_error(400, "a password is needed: {\"password\": \"...\"}");
  if (passwd) {
    const auto done = co_await context.directory.set_password(*address, password);
    co_return done ? answer_done() : answer_error(done.error());
  }
  const auto made = co_await context.directory.add_account(*address, password);
  if (!made) co_return answer_error(made.error());
  co_return answer_json({{"ok", true}, {"address", made->address.text()}, {"id", made->id}}, 201);
}

}  // namespace godwit::adminapi
