#pragma once
// The POP3 server in a test: pop3d::serve() on memory streams over a real directory and real mailboxes on the memory engine, as a
// TranscriptWorld. For this module's tests and fuzz target alone; what its directives mean is listed in directives().

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/bytes.h"
#include "frontend/pop3d/pop3d.h"
#include "state/mailbox/rows.h"
#include "testing/memory_blobs.h"
#include "testing/memory_engine.h"
#include "testing/seeded_random.h"
#include "testing/transcript.h"

namespace godwit::testing {

class Pop3World final : public TranscriptWorld {
 public:
  Pop3World() {
    settings.hostname = "mx.example.org";
    open();
  }
  ~Pop3World() override { end_sessions(); }

  TestLoop& loop() override { return loop_; }
  void serve(std::unique_ptr<net::Stream> server_end) override {
    net::spawn(loop_.executor(), *tasks_, "pop3d", pop3d::serve(std::move(server_end), implicit_tls, "session1", *context_));
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
    loop_.advance(std::chrono::minutes(15));  // whoever waits gives up
  }
  void reopen() {
    end_sessions();
    open();
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
    mailbox::NewEmail email{std::move(prefix), blob, body.size(), loop_.clock().now(), {}};
    GODWIT_ASSIGN(const auto done, loop_.run(mailboxes->deliver(to.id, id, to.address.text(), std::move(email))));
    store::Batch reference;
    reference.put(store::Keyspace::blob_refs, mailbox::blob_ref_key(blob, to.id, done.email), "");
    GODWIT_TRY(store::as_result(loop_.run(engine.write(blob.partition, std::move(reference))), "the reference"));
    last_blob = blob;
    return done.uid;
  }
  Result<std::vector<mailbox::Uid>> uids(std::string_view text) {
    GODWIT_ASSIGN(const auto who, account(text));
    GODWIT_ASSIGN(const auto seen, loop_.run(mailboxes->snapshot(who.id, mailbox::kInbox)));
    std::vector<mailbox::Uid> out;
    for (const auto& each : seen.messages) out.push_back(each.uid);
    return out;
  }

 private:
  TestLoop loop_;

 public:
  MemoryEngine engine;
  MemoryBlobs blobs;
  BlockingPool pool{0};
  SeededRandom random{7};
  pop3d::Settings settings;
  net::ConnectionLimits limits{10'000, 100};
  bool implicit_tls = false;
  bool tls_available = true;
  std::shared_ptr<FakeTls> tls = std::make_shared<FakeTls>();
  store::BlobId last_blob;
  std::unique_ptr<directory::Directory> directory;
  std::unique_ptr<mailbox::Mailboxes> mailboxes;

 private:
  struct Directive {
    Result<void> (Pop3World::*method)(const TranscriptStep&);
  };
  static const std::map<std::string, Directive>& directives() {
    static const std::map<std::string, Directive> table = {
        {"account", {&Pop3World::do_account}},     // ADDRESS PASSWORD
        {"password", {&Pop3World::do_password}},   // ADDRESS PASSWORD: changes it
        {"mail", {&Pop3World::do_mail}},           // ADDRESS, the message in B lines
        {"long-mail", {&Pop3World::do_long}},      // ADDRESS LINES: so many lines of 70 octets and CRLF behind a header
        {"expunge", {&Pop3World::do_expunge}},     // ADDRESS UID: as another session would
        {"remove", {&Pop3World::do_remove}},       // ADDRESS: the account goes
        {"uids", {&Pop3World::do_uids}},           // ADDRESS UID...: what INBOX must hold now
        {"damage", {&Pop3World::do_damage}},       // the bytes of the last message
        {"lose-record", {&Pop3World::do_lose}},    // ADDRESS UID: its row, not its place in INBOX
        {"store-full-at", {&Pop3World::do_full}},  // N: the n-th write from now fails
        {"tls", {&Pop3World::do_tls}},             // on | off | fails | implicit
        {"plaintext", {&Pop3World::do_plain}},     // passwords without TLS are allowed
        {"max-errors", {&Pop3World::do_errors}},   // N
        {"stop", {&Pop3World::do_stop}},           // the server stops
        {"connections", {&Pop3World::do_limits}},  // ALL PER_ADDRESS
        {"exempt", {&Pop3World::do_exempt}},       // NETWORK: no limit per address
        {"sessions", {&Pop3World::do_sessions}},   // N must be running
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
    context_.reset(new pop3d::Context{
        .directory = *directory,
        .mailboxes = *mailboxes,
        .blobs = blobs,
        .clock = loop_.clock(),
        .tls = [this]() -> std::shared_ptr<net::TlsAcceptor> { return tls_available ? tls : nullptr; },
        .settings = [this] { return std::make_shared<const pop3d::Settings>(settings); },
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

  Result<void> do_account(const TranscriptStep& step) {
    GODWIT_TRY(add_account(step.arguments.at(1), step.arguments.at(2)));
    return {};
  }
  Result<void> do_password(const TranscriptStep& step) {
    GODWIT_ASSIGN(auto address, smtp::parse_address(step.arguments.at(1)));
    return loop_.run(directory->set_password(std::move(address), step.arguments.at(2)));
  }
  Result<void> do_mail(const TranscriptStep& step) {
    GODWIT_TRY(add_mail(step.arguments.at(1), "Return-Path: <a@other.test>\r\n", step.body));
    return {};
  }
  Result<void> do_long(const TranscriptStep& step) {
    std::string body = "Subject: long\r\n\r\n";
    for (std::size_t i = std::stoul(step.arguments.at(2)); i > 0; --i) body += std::string(70, static_cast<char>('a' + i % 26)) + "\r\n";
    GODWIT_TRY(add_mail(step.arguments.at(1), "", std::move(body)));
    return {};
  }
  Result<void> do_expunge(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    const auto uid = static_cast<mailbox::Uid>(std::stoul(step.arguments.at(2)));
    std::vector<mailbox::UidRange> which(1, mailbox::UidRange{uid, uid});
    GODWIT_ASSIGN(const auto removed, loop_.run(mailboxes->expunge(who.id, mailbox::kInbox, std::move(which), false)));
    return removed.size() == 1 ? Result<void>() : wrong("it was not there");
  }
  Result<void> do_remove(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    GODWIT_TRY(loop_.run(directory->remove_account(who.address)));
    return loop_.run(mailboxes->apply_outbox(who.id));
  }
  Result<void> do_uids(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto there, uids(step.arguments.at(1)));
    std::vector<mailbox::Uid> expected;
    for (std::size_t i = 2; i < step.arguments.size(); ++i) expected.push_back(static_cast<mailbox::Uid>(std::stoul(step.arguments[i])));
    if (there == expected) return {};
    std::string text = "there are";
    for (const auto uid : there) text += ' ' + std::to_string(uid);
    return wrong(std::move(text));
  }
  Result<void> do_damage(const TranscriptStep& /*step*/) {
    blobs.damage_blob(last_blob);
    return {};
  }
  Result<void> do_lose(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto who, account(step.arguments.at(1)));
    GODWIT_ASSIGN(const auto seen, loop_.run(mailboxes->snapshot(who.id, mailbox::kInbox)));
    store::Batch loss;
    for (const auto& each : seen.messages)
      if (each.uid == std::stoul(step.arguments.at(2))) loss.erase(store::Keyspace::mailbox, mailbox::email_key(each.email));
    return store::as_result(loop_.run(engine.write(directory::partition_of(who.id), std::move(loss))), "the loss");
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
  Result<void> do_exempt(const TranscriptStep& step) {
    GODWIT_ASSIGN(const auto network, parse_network(step.arguments.at(1)));
    settings.exempt.push_back(network);
    return {};
  }
  Result<void> do_sessions(const TranscriptStep& step) {
    return sessions() == std::stoul(step.arguments.at(1)) ? Result<void>() : wrong("there are " + std::to_string(sessions()));
  }

  std::unique_ptr<net::TaskGroup> tasks_;
  std::unique_ptr<pop3d::Context> context_;
  std::uint64_t last_message_ = 1'000;
};

}  // namespace godwit::testing
