#pragma once
// The administration API: HTTP and JSON over the control socket, and the same handlers called directly while the server is down.
//
// Paths: /v1/domains[/D], /v1/accounts[/A[/password]], /v1/aliases[/A], /v1/mailboxes[/A],
// /v1/queue[/summary|/ID|/actions|/rules|/readdress], /v1/trace/TEXT, /v1/events[/status], /v1/store/verify, /v1/status. An error is
// {"error": "a sentence"} with 400 (wrong words), 404 (no such thing), 409 (it cannot be done as things are) or 503 (try again). Any loop.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/http/server.h"
#include "edge/net/stream.h"
#include "edge/net/task_group.h"
#include "edge/store/engine.h"
#include "service/events/sinks.h"
#include "service/outbound/outbound.h"
#include "service/scheduler/scheduler.h"
#include "state/directory/directory.h"
#include "state/mailbox/mailbox.h"
#include "state/queue/queue.h"
#include "state/trace/trace.h"

namespace godwit::adminapi {

class Jobs;  // actions on many messages (queue_jobs.h)
std::shared_ptr<Jobs> make_jobs();

struct Context {
  directory::Directory& directory;
  mailbox::Mailboxes& mailboxes;
  queue::Queue& queue;
  store::Engine& engine;
  store::Blobs& blobs;
  trace::Trace& trace;
  Clock& clock;
  // On the loop that owns the message.
  std::function<Task<Result<bool>>(MessageId, scheduler::Scheduler::Action, std::string why)> act;
  // A check of rows and tables below the mailboxes: one sentence a finding.
  std::function<Task<Result<std::vector<std::string>>>()> verify_engine;
  std::function<Task<std::vector<outbound::SiteStatus>>()> sites;
  // The server is stopping: an action on many messages ends early. Empty: never.
  std::function<bool()> stopping = {};
  // Since when each of these messages is being tried (Scheduler::attempting_since() on its loop), in their order. Empty: nobody knows.
  std::function<Task<std::vector<std::optional<WallTime>>>(std::vector<MessageId>)> attempting_since = {};
  // IMAP capabilities by the names that somebody typed, as Directory::set_imap_without() takes them; a sentence about one that cannot be
  // switched off. Empty: any name goes.
  std::function<Result<std::vector<std::string>>(std::vector<std::string>)> read_imap_without = {};
  // Another next hop or another recipient (Scheduler::change()), on the loop that owns the message.
  std::function<Task<Result<bool>>(MessageId, scheduler::Scheduler::Change)> change = {};
  // Where the loops of the queue run. Empty: there is one, the caller's, and nobody has read the queue's catalogue.
  std::function<Executor(std::size_t loop)> executor_of = {};
  // For what goes on after its answer. Null: nothing does, the answer waits.
  net::TaskGroup* tasks = nullptr;
  // The queue's rules are others now: nobody has to wait until somebody looks. Empty: nothing is tried here.
  std::function<void()> rules_changed = {};
  std::shared_ptr<Jobs> jobs = make_jobs();
  // An account that was held for sending too much (intake::Bursts): it may go on. true: it had been held.
  std::function<Task<Result<bool>>(std::string account)> forgive = {};
  events::Stream* events = nullptr;  // null: switched off
  std::function<std::vector<events::SinkStatus>()> event_sinks = {};
  BlockingPool* blocking = nullptr;
};

// Actions on many messages that an earlier run has not ended: they go on in Context::tasks, on this executor. After the start.
void resume_actions(Context& context, const Executor& executor);

// Answers one request. Never throws.
Task<http::Response> handle(Context& context, http::Request request);

// control.sock: root, the server's own user, or a member of its group (DESIGN.md, who may what).
bool may_administer(const std::optional<net::PeerCredentials>& peer, unsigned server_uid, unsigned server_gid);

}  // namespace godwit::adminapi
