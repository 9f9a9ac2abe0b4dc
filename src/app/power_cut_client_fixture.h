#pragma once
// For the power cut tests: the mail that is handed in, and a client that hands it in, erases, drops, adds and removes until the
// power goes. What it was told while the power was still there is noted in the ledger.

#include "app/power_cut_fixture.h"
#include "edge/store/segments.h"
#include "testing/seeded_random.h"

namespace godwit::app {

inline constexpr std::string_view kSender = "bert@local.test";

inline std::string make_body(const std::string& tag, std::size_t size) {
  std::string body = "Subject: " + tag + "\r\nFrom: bert@local.test\r\n\r\n";
  godwit::testing::SeededRandom random(std::hash<std::string>()(tag));
  while (body.size() < size) body += random.text(70) + "\r\n";
  return body;
}

// "" when it is none of ours: a report.
inline std::string tag_of(std::string_view message) {
  constexpr std::string_view kField = "Subject: ";
  if (!message.starts_with(kField)) return {};
  return std::string(message.substr(kField.size(), message.find("\r\n") - kField.size()));
}

// What a client does; each kind of message goes another way.
class Client {
 public:
  Client(Life& life, Ledger& ledger, std::string name) : life_(life), ledger_(ledger), name_(std::move(name)) {}

  // Until the power goes. What is there already stays as it is.
  static Task<> set_up(Client me) {
    co_await me.add("domain local.test", {});
    for (const std::string name : {"anna", "bert", "carl"}) co_await me.add("account " + name + "@local.test", {});
    const std::vector<std::string> team = {"anna@local.test", "x@far.test"};
    co_await me.add("alias team@local.test", team);
  }

  static Task<> work(Client me) {
    const std::string fresh = "new-" + me.name_ + "@local.test";
    co_await me.send({.to = {"z@hold.test"}, .held = 1}, 300);
    co_await me.send({.to = {"anna@local.test"}, .mailboxes = {"anna@local.test"}}, 300);
    co_await me.send({.to = {"nobody@far.test"}, .bounces_to = std::string(kSender)}, 500);
    co_await me.send(everybody(), 5'000);
    co_await me.erase_one("anna@local.test");
    co_await me.send({.to = {"team@local.test"}, .mailboxes = {"anna@local.test"}, .next_hop = {"x@far.test"}}, 300);
    co_await me.drop_one();
    co_await me.add_and_remove("gone-" + me.name_ + "@local.test");
    co_await me.send({.to = {"carl@local.test", "y@far.test"}, .mailboxes = {"carl@local.test"}, .next_hop = {"y@far.test"}}, 50'000);
    co_await me.add("account " + fresh, {});
    const std::vector<std::string> list = {fresh, "carl@local.test"};
    co_await me.add("alias list-" + me.name_ + "@local.test", list);
    co_await me.send({.to = {"list-" + me.name_ + "@local.test"}, .mailboxes = {fresh, "carl@local.test"}}, 20'000);
    co_await me.send(crowd(), 1'000);
    const std::string slow = "slow-" + me.name_ + "@far.test";
    co_await me.send({.to = {slow}, .next_hop = {slow}}, 300);
    co_await me.erase_one("carl@local.test");
    co_await me.upkeep();
    co_await me.send({.to = {"z@hold.test", "anna@local.test"}, .mailboxes = {"anna@local.test"}, .held = 1}, 9'000);
  }

 private:
  static Sent everybody() {
    const std::vector<std::string> all = {"anna@local.test", "bert@local.test", "carl@local.test"};
    return {.to = all, .mailboxes = {all.begin(), all.end()}};
  }
  // More recipients than fit into one row.
  static Sent crowd() {
    Sent sent;
    for (int i = 0; i < 40; ++i) sent.to.push_back("p" + std::to_string(i) + "@hold.test");
    sent.held = sent.to.size();
    return sent;
  }

  void refused(const std::string& what, const std::string& why) {
    if (life_.power()) ledger_.complain(what + ": " + why);
  }

  Task<> send(Sent what, std::size_t size) {
    if (!life_.power()) co_return;
    what.tag = name_ + "-" + std::to_string(++sent_);
    what.body = make_body(what.tag, size);
    Sent& entry = ledger_.add(std::move(what));
    const smtp::Reply reply = co_await hand_in(entry);
    if (!reply.positive()) co_return refused(entry.tag, reply.one_line());
    ledger_.note(entry.kept, life_.power());
  }

  Task<smtp::Reply> hand_in(const Sent& what) {
    intake::Source source;
    source.may_relay = true;
    source.session = what.tag;
    source.helo = "client.test";
    intake::MailParameters parameters;
    parameters.reverse_path = smtp::ReversePath(address(std::string(kSender)));
    auto begun = co_await life_.house().intake().begin(source, std::move(parameters));
    if (!begun) co_return begun.error();
    const auto transaction = *std::move(begun);
    for (const std::string& to : what.to) {
      auto recipient = address(to);
      auto reply = co_await transaction->add_recipient(std::move(recipient), queue::Notify(), std::string());
      if (!reply.positive()) co_return reply;
    }
    auto reply = transaction->begin_body();
    if (!reply.positive() && !reply.intermediate()) co_return reply;
    for (std::size_t at = 0; at < what.body.size(); at += 6'000)
      co_await transaction->append(std::string_view(what.body).substr(at, 6'000));
    co_return co_await transaction->commit();
  }

  Task<> add(std::string what, std::vector<std::string> targets) {
    if (!life_.power()) co_return;
    Asked& entry = ledger_.entry(what);
    const auto done = co_await add_now(what, std::move(targets));
    const bool exists = !done && done.error().cause == Error::Cause::conflict && done.error().kind == Error::Kind::permanent;
    if (!done && !exists) co_return refused(what, done.error().text);
    ledger_.note(entry, life_.power());
  }

  Task<Result<void>> add_now(std::string what, std::vector<std::string> targets) {
    const std::string name = what.substr(what.find(' ') + 1);
    auto& directory = life_.house().directory();
    if (what.starts_with("domain ")) {
      auto domain = *smtp::parse_domain(name);
      co_return co_await directory.add_domain(std::move(domain));
    }
    auto added = address(name);
    if (what.starts_with("account ")) {
      GODWIT_CO_TRY(co_await directory.add_account(std::move(added), "a long enough password"));
      co_return Result<void>();
    }
    std::vector<smtp::Address> leads_to;
    for (const std::string& target : targets) leads_to.push_back(address(target));
    co_return co_await directory.add_alias(std::move(added), std::move(leads_to));
  }

  // An account with mail goes, and its mail with it.
  Task<> add_and_remove(std::string account) {
    co_await add("account " + account, {});
    co_await send({.to = {account}, .erased = {{account, Asked::yes}}}, 3'000);
    if (!life_.power()) co_return;
    Asked& entry = ledger_.removal("account " + account);
    const auto done = co_await remove(std::move(account));
    if (!done) co_return refused("account remove", done.error().text);
    ledger_.note(entry, life_.power());
  }
  Task<Result<void>> remove(std::string name) {
    auto whose = address(name);
    GODWIT_CO_ASSIGN(const auto account, co_await life_.house().directory().find_account(std::move(whose)));
    if (!account) co_return fail(Error::permanent(Error::Cause::not_found, name + " is not there"));
    auto removed = address(name);
    GODWIT_CO_TRY(co_await life_.house().directory().remove_account(std::move(removed)));
    co_return co_await life_.house().mailboxes().apply_outbox(account->id);
  }

  // Recycling and compaction, which otherwise come every few seconds.
  Task<> upkeep() {
    auto& segments = dynamic_cast<store::Segments&>(life_.house().blobs());
    for (int i = 0; i < 3 && life_.power(); ++i) co_await segments.maintain();
  }

  // As POP3 does: the oldest message of a mailbox.
  Task<> erase_one(std::string mailbox) {
    if (!life_.power()) co_return;
    const auto done = co_await erase_oldest(std::move(mailbox));
    if (!done) refused("expunge", done.error().text);
  }
  Task<Result<void>> erase_oldest(std::string mailbox) {
    auto& mailboxes = life_.house().mailboxes();
    auto whose = address(mailbox);
    GODWIT_CO_ASSIGN(const auto account, co_await life_.house().directory().find_account(std::move(whose)));
    if (!account) co_return Result<void>();  // its adding was cut off
    GODWIT_CO_ASSIGN(const auto inbox, co_await mailboxes.snapshot(account->id, mailbox::kInbox));
    if (inbox.messages.empty()) co_return Result<void>();
    const auto email = co_await mailboxes.email(account->id, inbox.messages.front().email);
    if (!email && email.error().cause == Error::Cause::not_found) co_return Result<void>();  // another client was faster
    GODWIT_CO_TRY(email);
    GODWIT_CO_ASSIGN(const auto text, co_await read_whole(life_.house().blobs(), email->blob, email->blob_size));
    Asked* entry = ledger_.erased(tag_of(text), mailbox);
    if (entry == nullptr) co_return Result<void>();
    const mailbox::Uid uid = inbox.messages.front().uid;
    std::vector<mailbox::UidRange> uids(1, mailbox::UidRange{uid, uid});
    GODWIT_CO_ASSIGN(const auto removed, co_await mailboxes.expunge(account->id, mailbox::kInbox, std::move(uids), false));
    if (removed.size() == 1) ledger_.note(*entry, life_.power());
    co_return Result<void>();
  }

  // As the operator does: a held message of ours.
  Task<> drop_one() {
    if (!life_.power()) co_return;
    const auto done = co_await drop_first();
    if (!done) refused("queue drop", done.error().text);
  }
  Task<Result<void>> drop_first() {
    auto& admin = life_.house().admin();
    GODWIT_CO_ASSIGN(const auto messages, co_await admin.queue.list(std::nullopt, 1'000));
    for (const auto& message : messages) {
      if (!message.held) continue;
      GODWIT_CO_ASSIGN(const auto text, co_await read_whole(admin.blobs, message.blob, message.size));
      Sent* sent = ledger_.find(tag_of(text));
      if (sent == nullptr || !sent->tag.starts_with(name_ + "-")) continue;
      ledger_.note(sent->dropped, false);
      auto acted = co_await admin.act(message.id, scheduler::Scheduler::Action::drop, "by a test");
      GODWIT_CO_ASSIGN(const bool there, std::move(acted));
      if (there) ledger_.note(sent->dropped, life_.power());
      co_return Result<void>();
    }
    co_return Result<void>();
  }

  Life& life_;
  Ledger& ledger_;
  std::string name_;
  int sent_ = 0;
};

}  // namespace godwit::app
