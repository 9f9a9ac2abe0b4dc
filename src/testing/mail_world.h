#pragma once
// A mail server's inside without a front end, for tests: directory, router, queue, trace and intake, all real, on the memory
// engine, memory blobs, a manual clock and seeded random numbers. One loop, the test's thread.
//
// Header only: testing itself links none of it; the test that includes this links what it needs.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "service/intake/intake.h"
#include "service/routing/router.h"
#include "state/directory/directory.h"
#include "state/queue/queue.h"
#include "state/trace/trace.h"
#include "testing/memory_blobs.h"
#include "testing/memory_engine.h"
#include "testing/seeded_random.h"
#include "testing/test_loop.h"

namespace godwit::testing {

// The story of each message, in memory.
class MemoryTrace final : public trace::Trace {
 public:
  void keys(MessageId id, trace::Keys keys) override { keys_of[id] = std::move(keys); }
  void add(MessageId id, std::string_view kind, std::string detail) override {
    events_of[id].push_back({WallTime(), std::string(kind), std::move(detail)});
  }
  void finish(MessageId) override {}
  Task<Result<std::vector<trace::Event>>> events(MessageId id) override { co_return events_of[id]; }
  Task<Result<std::vector<MessageId>>> find(std::string, std::size_t) override { co_return std::vector<MessageId>(); }
  void stop() override {}

  std::map<MessageId, trace::Keys> keys_of;
  std::map<MessageId, std::vector<trace::Event>> events_of;
};

class MailWorld {
 public:
  MailWorld() {
    settings.hostname = "mx.example.org";
    start();
  }

  // Opens everything on what the engine holds: at the beginning and after a crash.
  void start() {
    directory = std::make_unique<directory::Directory>(engine, pool, loop.clock(), random);
    queue = std::make_unique<queue::Queue>(engine, blobs, loop.clock());
    GODWIT_CHECK(loop.run(queue->open(1)).has_value());
    trace = std::make_unique<MemoryTrace>();
    set_routes(routes_);
    intake = intake::make_intake(intake::Context{
        .directory = *directory,
        .queue = *queue,
        .blobs = blobs,
        .trace = *trace,
        .clock = loop.clock(),
        .random = random,
        .router = [this] { return router; },
        .loop = [] { return std::size_t(0); },
        .settings = [this] { return std::make_shared<const intake::Settings>(settings); },
        .on_accepted = [this](queue::Message message) { accepted.push_back(std::move(message)); },
        .mailboxes = mailboxes,
    });
  }

  // The power goes: what no sync covers is gone. start() after restart() of the engine.
  void crash() {
    engine.crash_forgetting_all();
    blobs.crash();
  }
  void restart() {
    intake.reset();
    queue.reset();
    directory.reset();
    engine.restart();
    accepted.clear();
    start();
  }

  Result<void> add_domain(std::string_view name) {
    GODWIT_ASSIGN(auto domain, smtp::parse_domain(name));
    return loop.run(directory->add_domain(std::move(domain)));
  }
  Result<directory::Account> add_account(std::string_view text, std::string password) {
    GODWIT_ASSIGN(auto address, smtp::parse_address(text));
    return loop.run(directory->add_account(std::move(address), std::move(password)));
  }
  Result<void> add_alias(std::string_view text, const std::vector<std::string>& to) {
    GODWIT_ASSIGN(auto address, smtp::parse_address(text));
    std::vector<smtp::Address> targets;
    for (const auto& one : to) {
      GODWIT_ASSIGN(auto target, smtp::parse_address(one));
      targets.push_back(std::move(target));
    }
    return loop.run(directory->add_alias(std::move(address), std::move(targets)));
  }
  Result<void> add_route(routing::Route route) {
    auto routes = routes_;
    routes.push_back(std::move(route));
    return set_routes(std::move(routes));
  }

  mailbox::Mailboxes* mailboxes = nullptr;  // set before start(): quotas are asked for

  // Everything in the queue, in order of id.
  std::vector<queue::Message> stored() {
    auto messages = loop.run(queue->list(std::nullopt, 10'000));
    GODWIT_CHECK(messages.has_value());
    return *std::move(messages);
  }
  std::string body_of(const queue::Message& message) {
    auto bytes = loop.run(blobs.read(message.blob, 0, message.size + 1));
    GODWIT_CHECK(bytes.has_value());
    return *std::move(bytes);
  }

  TestLoop loop;
  SeededRandom random{7};
  MemoryEngine engine;
  MemoryBlobs blobs;
  BlockingPool pool{0};
  intake::Settings settings;
  std::unique_ptr<directory::Directory> directory;
  std::unique_ptr<queue::Queue> queue;
  std::unique_ptr<MemoryTrace> trace;
  std::shared_ptr<const routing::Router> router;
  std::unique_ptr<intake::Intake> intake;
  std::vector<queue::Message> accepted;  // what the scheduler would have been told

 private:
  Result<void> set_routes(std::vector<routing::Route> routes) {
    GODWIT_ASSIGN(router, routing::Router::create(routes, *directory));
    routes_ = std::move(routes);
    return {};
  }

  std::vector<routing::Route> routes_;
};

}  // namespace godwit::testing
