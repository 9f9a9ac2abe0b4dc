#pragma once
// The IMAP server in a test: imapd::serve() on memory streams over a real directory and real mailboxes on the memory engine, as a
// TranscriptWorld. For this module's tests and fuzz target alone; what its directives mean is listed in directives().

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/bytes.h"
#include "frontend/imapd/imapd.h"
#include "grammar/message/thread_ids.h"
#include "state/mailbox/rows.h"
#include "testing/memory_blobs.h"
#include "testing/memory_engine.h"
#include "testing/seeded_random.h"
#include "testing/transcript.h"

namespace godwit::testing {

class ImapWorld final : public TranscriptWorld {
 public:
  ImapWorld() {
    settings.hostname = "mx.example.org";
    open();
  }
  ~ImapWorld() override { end_sessions(); }

  TestLoop& loop() override { return loop_; }
  void serve(std::unique_ptr<net::Stream> server_end) override {
    net::spawn(loop_.executor(), *tasks_, "imapd", imapd::serve(std::move(server_end), implicit_tls, "session1", *context_));
  }
  void crash() override {
    engine.crash_forgetting_all();
    blobs.crash();
  }
  Result<void> restart() override {
    end_sessions();
    engine.restart();
    open();
    return {};
  }
  Result<void> directive(const TranscriptStep& step) override {
    const auto found = directives().find(step.arguments[0]);
    if (found == directives().end()) return wrong("no such directive");
    return (this->*found->second.method)(step);
  }

  std::size_t sessions() const { return tasks_->running(); }
  void stop() { tasks_->stop(); }
  void cut() { tasks_->cut(); }
  // Nothing runs any more.
  void end_sessions() {
    tasks_->stop();
    loop_.advance(std::chrono::minutes(45));  // whoever waits gives up
  }

  Result<directory::Account> add_account(std::string_view text, std::string password) {
    GODWIT_ASSIGN(auto address, smtp::parse_address(text));
    ignore(loop_.run(directory->add_domain(address.domain)), "it may exist");
    return loop_.run(directory->add_account(std::move(address), std::move(password)));
  }
  Result<directory::Account> account(std::string_view text) {
    GODWIT_ASSIGN(auto address, smtp::parse_address(text));
    GODWIT_ASSIGN(const auto found, loop_.run(directory->find_account(std::move(address))));
    if (!found) return fail(Error::permanent(Error::Cause::not_found, "no such account"));
    return *found;
  }
  // A message as delivery leaves it: bytes synced, in INBOX, its reference handed over.
  Result<mailbox::Uid> add_mail(std::string_view text, std::string prefix, std::string body) {
    GODWIT_ASSIGN(const auto to, account(text));
    const MessageId id{++last_message_ << 23};
    GODWIT_ASSIGN(const auto blob, loop_.run(write_blob(blobs, id, body)));
    mailbox::NewEmail email{std::move(prefix), blob, body.size(), loop_.clock().now(), message::thread_ids(body)};
    GODWIT_ASSIGN(const auto done, loop_.run(mailboxes->deliver(to.id, id, to.address.text(), std::move(email))));
    store::Batch reference;
    reference.put(store::Keyspace::blob_refs, mailbox::blob_ref_key(blob, to.id, done.email), "");
    GODWIT_TRY(store::as_result(loop_.run(engine.write(blob.partition, std::move(reference))), "the reference"));
    last_blob = blob;
    return done.uid;
  }
  Result<mailbox::Mailbox> mailbox_of(std::string_view text, std::string name) {
    GODWIT_ASSIGN(const auto who, account(text));
    return loop_.run(mailboxes->find(who.id, std::move(name)));
  }

 private:
  TestLoop loop_;

 public:
  MemoryEngine engine;
  MemoryBlobs blobs;
  BlockingPool pool{0};
  SeededRandom random{7};
  imapd::Settings settings;
  net::ConnectionLimits limits{10'000, 100};
  bool implicit_tls = false;
  bool tls_available = true;
  std::shared_ptr<FakeTls> tls = std::make_shared<FakeTls>();
  store::BlobId last_blob;
  std::unique_ptr<directory::Directory> directory;
  std::unique_ptr<mailbox::Mailboxes> mailboxes;

 private:
  struct Directive {
    Result<void> (ImapWorld::*method)(const TranscriptStep&);
  };
  static const std::map<std::string, Directive>& directives() {
    static const std::map<std::string, Directive> table = {
        {"account", {&ImapWorld::do_account}},        // ADDRESS PASSWORD
        {"mail", {&ImapWorld::do_mail}},              // ADDRESS, the message in B lines
        {"mails", {&ImapWorld::do_mails}},            // ADDRESS N: so many small ones
        {"expunge", {&ImapWorld::do_expunge}},        // ADDRESS MAILBOX UID: as another session would
        {"flag", {&ImapWorld::do_flag}},              // ADDRESS MAILBOX UID KEYWORD: as another session would
        {"delete-mailbox", {&ImapWorld::do_delete}},  // ADDRESS MAILBOX: as another session would
        {"remove", {&ImapWorld::do_remove}},          // ADDRESS: the account goes
        {"damage", {&ImapWorld::do_damage}},          // the bytes of the last message
        {"store-full-at", {&ImapWorld::do_full}},     // N: the n-th write from now fails
        {"tls", {&ImapWorld::do_tls}},                // on | off | fails | implicit
        {"plaintext", {&ImapWorld::do_plain}},        // passwords without TLS are allowed
        {"without", {&ImapWorld::do_without}},        // CAPABILITY...: switched off
        {"quota", {&ImapWorld::do_quota}},            // BYTES EMAILS
        {"append-limit", {&ImapWorld::do_append}},    // BYTES
        {"max-errors", {&ImapWorld::do_errors}},      // N
        {"stop", {&ImapWorld::do_stop}},              // the server stops
        {"connections", {&ImapWorld::do_limits}},     // ALL PER_ADDRESS
        {"sessions", {&ImapWorld::do_sessions}},      // N must be running
        {"verify", {&ImapWorld::do_verify}},          // ADDRESS: its rows add up
    };
    return table;
  }

  static Result<void> wrong(std::string text) { return fail(Error::permanent(Error::Cause::conflict, std::move(text))); }

  void open() {
    context_.reset();
    mailboxes.reset();
    directory = std::make_unique<directory::Directory>(engine, pool, loop_.clock(), random);
    mailboxes = std::make_unique<mailbox::Mailboxes>(engine, blobs, loop_.clock(), random);
    tasks_ = std::make_unique<net::TaskGroup>();
    context_.reset(new imapd::Context{
        .directory = *directory,
        .mailboxes = *mailboxes,
        .blobs = blobs,
        .clock = loop_.clock(),
        .tls = [this]() -> std::shared_ptr<net::TlsAcceptor> { return tls_available ? tls : nullptr; },
        .settings = [this] { return std::make_shared<const imapd::Settings>(settings); },
        .tasks = *tasks_,
        .limits = limits,
    });
  }
  static Task<Result<store::BlobId>> write_blob(store::Blobs& blobs, MessageId id, std::string body) {
    const auto writer = blobs.begin(store::kFirstShardPartition + id.shard(), id.value);
    GODWIT_CO_TRY(co_await writer->append(body));
    GODWIT_CO_ASSIGN(const auto blob, co_await writer->finish());
    GODWIT_CO_TRY(co_await writer->synced());
    co_return blob;
  }
  static std::vector<mailbox::UidRange> one(const std::string& uid) {
    const auto number = static_cast<mailbox::Uid>(std::stoul(uid));
    return {{number, number}};
  }

  Result<void> do_account(const TranscriptStep& step) {
    GODWIT_TRY(add_account(step.arguments.at(1), step.arguments.at(2)));
    return {};
  }
  Result<void> do_mail(const TranscriptStep& step) {
    GODWIT_TRY(add_mail(step.arguments.at(1), "", step.body));
    return {};
  }
  Result<void> do_mails(const TranscriptStep& step) {
    for (std::size_t i = std::stoul(step.arguments.at(2)); i > 0; --i)
      GODWIT_TRY(add_mail(step.arguments.at(1), "", "Subject: one of many\r\n\r\nbody\r\n"));
    return {};
  }
  Result<void> do_expunge(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    GODWIT_ASSIGN(const auto box, mailbox_of(step.arguments.at(1), step.arguments.at(2)));
    GODWIT_ASSIGN(const auto gone, loop_.run(mailboxes->expunge(who.id, box.number, one(step.arguments.at(3)), false)));
    return gone.size() == 1 ? Result<void>() : wrong("it was not there");
  }
  Result<void> do_flag(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    GODWIT_ASSIGN(const auto box, mailbox_of(step.arguments.at(1), step.arguments.at(2)));
    mailbox::FlagChange change{mailbox::FlagChange::How::add, 0, {step.arguments.at(4)}};
    GODWIT_ASSIGN(const auto done,
                  loop_.run(mailboxes->change_flags(who.id, box.number, one(step.arguments.at(3)), std::move(change), std::nullopt)));
    return done.messages.size() == 1 ? Result<void>() : wrong("it was not there");
  }
  Result<void> do_delete(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    return loop_.run(mailboxes->remove(who.id, step.arguments.at(2)));
  }
  Result<void> do_remove(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    GODWIT_TRY(loop_.run(directory->remove_account(who.address)));
    return loop_.run(mailboxes->apply_outbox(who.id));
  }
  Result<void> do_damage(const TranscriptStep& /*step*/) {
    blobs.damage_blob(last_blob);
    return {};
  }
  Result<void> do_full(const TranscriptStep& step) {
    engine.fail_at(std::stoul(step.arguments.at(1)), MemoryEngine::Failure::full);
    return {};
  }
  Result<void> do_tls(const TranscriptStep& step) {
    const std::string& what = step.arguments.at(1);
    tls_available = what != "off";
    implicit_tls = what == "implicit";
    tls->fail_next = what == "fails";
    return {};
  }
  Result<void> do_plain(const TranscriptStep& /*step*/) {
    settings.plaintext_from = {parse_network("0.0.0.0/0").value()};
    return {};
  }
  Result<void> do_without(const TranscriptStep& step) {
    settings.without.assign(step.arguments.begin() + 1, step.arguments.end());
    return {};
  }
  Result<void> do_quota(const TranscriptStep& step) {
    settings.quota = {std::stoul(step.arguments.at(1)), std::stoul(step.arguments.at(2))};
    return {};
  }
  Result<void> do_append(const TranscriptStep& step) {
    settings.append_limit = std::stoul(step.arguments.at(1));
    return {};
  }
  Result<void> do_errors(const TranscriptStep& step) {
    settings.max_errors = static_cast<unsigned>(std::stoul(step.arguments.at(1)));
    return {};
  }
  Result<void> do_stop(const TranscriptStep& /*step*/) {
    stop();
    return {};
  }
  Result<void> do_limits(const TranscriptStep& step) {
    limits.set(std::stoul(step.arguments.at(1)), std::stoul(step.arguments.at(2)));
    return {};
  }
  Result<void> do_sessions(const TranscriptStep& step) {
    return sessions() == std::stoul(step.arguments.at(1)) ? Result<void>() : wrong("there are " + std::to_string(sessions()));
  }
  Result<void> do_verify(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    GODWIT_ASSIGN(const auto found, loop_.run(mailboxes->verify(who.id)));
    return found.empty() ? Result<void>() : wrong(found.front());
  }

  std::unique_ptr<net::TaskGroup> tasks_;
  std::unique_ptr<imapd::Context> context_;
  std::uint64_t last_message_ = 1'000;
};

}  // namespace godwit::testing
