#pragma once
// What a server that shows mail stands on, for tests of IMAP and POP3: a real directory and real mailboxes on the memory engine, and the
// directives that the transcripts of both have. The front end's own world adds its sessions, its Settings and its own directives.
//
// Header only: testing itself links none of it; the test that includes this links what it needs.

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/bytes.h"
#include "edge/net/connection_limits.h"
#include "edge/net/task_group.h"
#include "grammar/message/thread_ids.h"
#include "state/directory/directory.h"
#include "state/mailbox/mailbox.h"
#include "state/mailbox/rows.h"
#include "testing/memory_blobs.h"
#include "testing/memory_engine.h"
#include "testing/seeded_random.h"
#include "testing/transcript.h"

namespace godwit::testing {

// Settings: the front end's, with hostname, exempt, plaintext_from and max_errors. Who derives calls open() when it is made and
// end_sessions() when it goes.
template <class Settings>
class MailboxWorld : public TranscriptWorld {
 public:
  TestLoop& loop() override { return loop_; }
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
    const auto found = directives_.find(step.arguments[0]);
    if (found == directives_.end()) return wrong("no such directive");
    return found->second(step);
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

 protected:
  MailboxWorld() {
    settings.hostname = "mx.example.org";
    add_common_directives();
  }

  // Makes the sessions' context on what is open now.
  virtual void open_front_end(net::TaskGroup& tasks) = 0;
  void open() {
    mailboxes.reset();
    directory = std::make_unique<directory::Directory>(engine, pool, loop_.clock(), random);
    mailboxes = std::make_unique<mailbox::Mailboxes>(engine, blobs, loop_.clock(), random);
    tasks_ = std::make_unique<net::TaskGroup>();
    open_front_end(*tasks_);
  }
  void spawn(std::string_view name, Task<> session) { net::spawn(loop_.executor(), *tasks_, name, std::move(session)); }

  template <class Derived>
  void add(const std::string& name, Result<void> (Derived::*act)(const TranscriptStep&)) {
    directives_[name] = [this, act](const TranscriptStep& step) { return (static_cast<Derived*>(this)->*act)(step); };
  }
  static Result<void> wrong(std::string text) { return fail(Error::permanent(Error::Cause::conflict, std::move(text))); }

 private:
  TestLoop loop_;

 public:
  MemoryEngine engine;
  MemoryBlobs blobs;
  BlockingPool pool{0};
  SeededRandom random{7};
  Settings settings;
  net::ConnectionLimits limits{10'000, 100};
  bool implicit_tls = false;
  bool tls_available = true;
  std::shared_ptr<FakeTls> tls = std::make_shared<FakeTls>();
  store::BlobId last_blob;
  std::unique_ptr<directory::Directory> directory;
  std::unique_ptr<mailbox::Mailboxes> mailboxes;

 private:
  using World = MailboxWorld;
  void add_common_directives() {
    add("account", &World::do_account);     // ADDRESS PASSWORD
    add("password", &World::do_password);   // ADDRESS PASSWORD: changes it
    add("remove", &World::do_remove);       // ADDRESS: the account goes
    add("damage", &World::do_damage);       // the bytes of the last message
    add("store-full-at", &World::do_full);  // N: the n-th write from now fails
    add("tls", &World::do_tls);             // on | off | fails | implicit
    add("plaintext", &World::do_plain);     // passwords without TLS are allowed
    add("max-errors", &World::do_errors);   // N
    add("stop", &World::do_stop);           // the server stops
    add("connections", &World::do_limits);  // ALL PER_ADDRESS
    add("exempt", &World::do_exempt);       // NETWORK: no limit per address
    add("sessions", &World::do_sessions);   // N must be running
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

  std::map<std::string, std::function<Result<void>(const TranscriptStep&)>> directives_;
  std::unique_ptr<net::TaskGroup> tasks_;
  std::uint64_t last_message_ = 1'000;
};

}  // namespace godwit::testing
