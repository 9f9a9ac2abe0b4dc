// /v1/mailboxes: what the accounts hold. GET: sums of all accounts. /v1/mailboxes/ACCOUNT: GET lists its mailboxes, POST {"name",
// "special_use"} makes one, PUT {"from", "to"} renames, DELETE {"name"} deletes with all messages. Names are UTF-8; INBOX in any case. GET
// changes nothing: an account that nobody has used yet has none.

#include <boost/json/array.hpp>

#include "frontend/adminapi/resource.h"
#include "grammar/imap/mailbox_name.h"

namespace godwit::adminapi {
namespace {

Answer stats(Context& context) {
  const auto all = co_await context.directory.list_accounts(std::nullopt);
  if (!all) co_return answer_error(all.error());
  boost::json::array list;
  for (const auto& account : *all) {
    const auto usage = co_await context.mailboxes.usage(account.id);
    if (!usage) co_return answer_error(usage.error());
    list.push_back(
        {{"address", account.address.text()}, {"mailboxes", usage->mailboxes}, {"messages", usage->emails}, {"bytes", usage->bytes}});
  }
  co_return answer_json({{"accounts", std::move(list)}});
}

// A name as an IMAP client could say it, INBOX in capitals: RFC 9051 5.1.
Result<std::string> read_name(const std::string& text) {
  if (text.empty()) return fail(Error::syntax("a mailbox needs a name", 0));
  const imap::Dialect utf8{.utf8_accept = true};
  const bool levels_follow = text.size() > 1 && text.ends_with('/');  // as CREATE takes it (RFC 9051 6.3.4)
  return imap::read_mailbox_name(levels_follow ? text.substr(0, text.size() - 1) : text, utf8);
}

Result<std::string> read_new_name(const std::string& text) {
  GODWIT_ASSIGN(const std::string name, read_name(text));
  return imap::check_new_mailbox(name);
}

http::Response answer_bad_name(const Error& error) { return answer_error(400, error.text); }

Answer list(Context& context, directory::AccountId account) {
  const auto folders = co_await context.mailboxes.folders(account);
  if (!folders) co_return answer_error(folders.error());
  boost::json::array all;
  for (const auto& each : folders->mailboxes) {
    all.push_back({{"name", each.name},
                   {"special_use", std::string(mailbox::to_string(each.special_use))},
                   {"subscribed", folders->is_subscribed(each.name)},
                   {"messages", each.total},
                   {"unseen", each.unseen},
                   {"bytes", each.bytes},
                   {"id", each.number},
                   {"uid_validity", each.uid_validity},
                   {"uid_next", each.uid_next}});
  }
  co_return answer_json({{"mailboxes", std::move(all)}});
}

Answer create(Context& context, directory::AccountId account, Call call) {
  const auto name = read_new_name(call.text("name"));
  if (!name) co_return answer_bad_name(name.error());
  auto use = mailbox::SpecialUse::none;
  if (const std::string wanted = call.text("special_use"); !wanted.empty()) {
    const auto parsed = mailbox::parse_special_use(wanted);
    if (!parsed)
      co_return answer_error(400, "\"" + wanted + "\" is not a special use; there are \\Archive, \\Drafts, \\Junk, \\Sent, \\Trash");
    use = *parsed;
  }
  const auto made = co_await context.mailboxes.create(account, *name, use);
  if (!made) co_return answer_error(made.error());
  const auto subscribed = co_await context.mailboxes.subscribe(account, *name, true);
  const bool too_many = !subscribed && subscribed.error().cause == Error::Cause::limit;  // then it is there, and not subscribed to
  if (!subscribed && !too_many) co_return answer_error(subscribed.error());
  co_return answer_json({{"ok", true}, {"name", made->name}, {"id", made->number}, {"subscribed", !too_many}}, 201);
}

Answer rename(Context& context, directory::AccountId account, Call call) {
  const auto from = read_name(call.text("from"));
  if (!from) co_return answer_bad_name(from.error());
  const auto to = read_new_name(call.text("to"));
  if (!to) co_return answer_bad_name(to.error());
  const auto done = co_await context.mailboxes.rename(account, *from, *to);
  co_await context.mailboxes.tidy(account);
  if (!done) co_return answer_error(done.error());
  co_return answer_json({{"ok", true}, {"from", *from}, {"to", *to}});
}

Answer remove(Context& context, directory::AccountId account, Call call) {
  const auto name = read_name(call.text("name"));
  if (!name) co_return answer_bad_name(name.error());
  const auto done = co_await context.mailboxes.remove(account, *name);
  co_await context.mailboxes.tidy(account);
  if (!done) co_return answer_error(done.error());
  co_return answer_json({{"ok", true}, {"name", *name}});
}

}  // namespace

Answer mailboxes(Context& context, Call call) {
  if (call.path.empty() && call.method == "GET") co_return co_await stats(context);
  if (call.path.size() != 1) co_return answer_not_found(call);
  const auto address = smtp::parse_address(call.path[0]);
  if (!address) co_return answer_error(address.error());
  const auto account = co_await context.directory.find_account(*address);
  if (!account) co_return answer_error(account.error());
  if (!*account) co_return answer_error(404, "there is no account " + address->text());
  const auto id = (*account)->id;
  if (call.method == "GET") co_return co_await list(context, id);
  Answer (*change)(Context&, directory::AccountId, Call) = nullptr;
  if (call.method == "POST") change = create;
  if (call.method == "PUT") change = rename;
  if (call.method == "DELETE") change = remove;
  if (!change) co_return answer_not_found(call);
  const auto opened = co_await context.mailboxes.open_account(id);  // as a login does: the first mailboxes are there
  if (!opened) co_return answer_error(opened.error());
  co_return co_await change(context, id, std::move(call));
}

}  // namespace godwit::adminapi
