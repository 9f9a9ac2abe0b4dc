#include "service/scheduler/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "base/log.h"
#include "base/metrics.h"
#include "grammar/dsn/original.h"
#include "service/events/report.h"
#include "service/scheduler/latch.h"
#include "state/queue/crash_note.h"
#include "state/queue/owed_report.h"
#include "state/queue/record.h"

namespace godwit::scheduler {
namespace {

using queue::Message;
using queue::Outcome;
using queue::Recipient;
using routing::Destination;

constexpr std::size_t kRoutesAtOnce = 16;
constexpr std::size_t kDomainsAtOnce = 16;
constexpr int kAliasDepth = 10;                  // as directory::Directory::expand()
constexpr std::size_t kHeaderLimit = 64 * 1024;  // of a message, for routes that ask for it; fields behind it are not seen

Outcome refused(const smtp::Reply& reply) {
  Outcome outcome;
  outcome.kind = reply.permanent() ? Outcome::Kind::bounced : Outcome::Kind::deferred;
  outcome.status = reply.enhanced;
  outcome.text = reply.text;
  outcome.remote = "local";
  return outcome;
}

Outcome unanswered(const Error& error) {
  Outcome outcome;
  outcome.status = {4, 3, 0};
  outcome.text = "no route could be looked up: " + error.text;
  outcome.remote = "local";
  return outcome;
}

// It says nothing about the message: no attempt is used up.
Outcome dns_unanswered(const Error& error) {
  Outcome outcome;
  outcome.status = {4, 4, 3};  // RFC 3463 3.5: directory server failure
  outcome.text = error.text;
  outcome.remote = "local";
  outcome.site_down = true;
  return outcome;
}

// The first `offered` have their jobs already.
void add_remote(Plan& plan, std::shared_ptr<const routing::Site> site, std::size_t index, std::size_t offered = 0) {
  const auto same = [&](const Plan::Remote& other) { return other.site == site || other.site->name == site->name; };
  auto found = std::find_if(plan.remotes.begin() + static_cast<std::ptrdiff_t>(offered), plan.remotes.end(), same);
  if (found == plan.remotes.end()) found = plan.remotes.insert(found, {std::move(site), {}});
  found->recipients.push_back(index);
}

Outcome alias_loop(const Recipient& recipient) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::bounced;
  outcome.status = {5, 4, 6};  // RFC 3463 3.5: routing loop detected
  outcome.text = fmt::format("the alias {} leads back to itself, or through too many others", recipient.address.text());
  outcome.remote = "local";
  return outcome;
}

Outcome covered() {
  Outcome outcome;
  outcome.kind = Outcome::Kind::delivered;
  outcome.status = {2, 1, 5};
  outcome.text = "an alias: every address that it leads to is a recipient of this message by itself";
  outcome.remote = "local";
  outcome.success = Outcome::Success::expanded;
  return outcome;
}

class Planner {
 public:
  Planner(const Context& context, Message& message)
      : context_(context), message_(message), envelope_{message.reverse_path, message.tenant, std::nullopt} {}

  Task<Plan> run(std::vector<std::size_t> due) {
    std::erase_if(due, [this](std::size_t index) { return take_reported(index); });
    for (int depth = 0; !due.empty(); ++depth) {
      auto destinations = co_await ask(due);
      const queue::WorkingOn working(message_.id);
      std::vector<std::size_t> added;
      for (std::size_t i = 0; i < due.size(); ++i) take(due[i], std::move(*destinations[i]), depth, added);
      due = std::move(added);
    }
    co_return std::move(plan_);
  }

 private:
  using Destinations = std::vector<std::optional<Result<Destination>>>;

  Task<Destinations> ask(std::vector<std::size_t> due) {
    Destinations destinations(due.size());
    const auto router = context_.router();
    const auto read = co_await read_header(*router, due);
    if (!read) {
      for (auto& destination : destinations) destination = fail(read.error());
      co_return destinations;
    }
    std::function<Task<>(std::size_t)> one = [&](std::size_t i) {
      return ask_one(*router, message_.recipients[due[i]], envelope_, destinations[i]);
    };
    co_await run_bounded(context_.tasks, due.size(), kRoutesAtOnce, std::move(one));
    co_return destinations;
  }

  // Where an administrator has sent it, if he has.
  static Task<> ask_one(const routing::Router& router, const Recipient& recipient, const routing::Envelope& envelope,
                        std::optional<Result<Destination>>& into) {
    if (const auto hop = routing::parse_hop(recipient.next_hop)) {
      into = Destination(routing::ToSite{std::make_shared<const routing::Site>(routing::Site{hop->text(), {*hop}})});
      co_return;
    }
    smtp::Address address = recipient.address;
    into = co_await router.route(std::move(address), envelope);
  }

  // It is done already, only the report about it is to come.
  bool take_reported(std::size_t index) {
    if (!queue::owes_report(message_.recipients[index])) return false;
    plan_.decided.emplace_back(index, message_.recipients[index].last);
    return true;
  }

  // Only if a route asks for it. What cannot be read for good is as if it were not there: the delivery will say so.
  Task<Result<void>> read_header(const routing::Router& router, const std::vector<std::size_t>& due) {
    const auto wanted = [&](std::size_t index) { return router.wants_header(message_.recipients[index].address, envelope_); };
    if (std::ranges::none_of(due, wanted)) co_return Result<void>{};
    std::string header = message_.prefix;
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(message_.size, kHeaderLimit));
    auto bytes = co_await context_.blobs.read(message_.blob, 0, length);
    if (!bytes && bytes.error().kind == Error::Kind::temporary) co_return fail(std::move(bytes).error());
    if (bytes) header += dsn::header_section(*bytes, kHeaderLimit);
    envelope_.header = std::move(header);
    co_return Result<void>{};
  }

  void take(std::size_t index, Result<Destination> destination, int depth, std::vector<std::size_t>& added) {
    if (!destination) {
      plan_.decided.emplace_back(index, unanswered(destination.error()));
    } else if (auto* local = std::get_if<routing::ToLocal>(&*destination)) {
      plan_.locals.push_back({index, std::move(local->account)});
    } else if (auto* site = std::get_if<routing::ToSite>(&*destination)) {
      add_remote(plan_, std::move(site->site), index);
    } else if (auto* mx = std::get_if<routing::ToMx>(&*destination)) {
      add_domain(std::move(*mx), index);
    } else if (auto* hold = std::get_if<routing::ToHold>(&*destination)) {
      plan_.held.push_back(index);
      plan_.hold_because = std::move(hold->why);
    } else if (const auto* discard = std::get_if<routing::ToDiscard>(&*destination)) {
      drop(index, discard->why);
    } else if (auto* no = std::get_if<routing::Refused>(&*destination)) {
      plan_.decided.emplace_back(index, refused(no->reply));
    } else if (auto* alias = std::get_if<routing::ToAlias>(&*destination)) {
      follow(index, std::move(alias->targets), depth, added);
    }
  }

  void add_domain(routing::ToMx mx, std::size_t index) {
    if (auto known = context_.mx.remembered(mx.domain)) {
      add_remote(plan_, routing::secured(std::move(known), mx.tls, mx.tls_name, mx.pool), index);
      return;
    }
    const auto same = [&](const Plan::Lookup& other) {
      return other.to.domain == mx.domain && other.to.tls == mx.tls && other.to.tls_name == mx.tls_name && other.to.pool == mx.pool;
    };
    auto found = std::ranges::find_if(plan_.lookups, same);
    if (found == plan_.lookups.end()) found = plan_.lookups.insert(found, {std::move(mx), {}});
    found->recipients.push_back(index);
  }

  // The end of it here: nobody is told.
  void drop(std::size_t index, const std::string& why) {
    static auto& discarded = metrics::counter("godwit_scheduler_discarded_total", "Recipients that a route discarded");
    Recipient& recipient = message_.recipients[index];
    const std::string name = message_.id.text();
    const std::string rcpt = recipient.address.text();
    recipient.state = Recipient::State::dropped;
    plan_.changed = true;
    discarded.add();
    events::report(context_.events, message_, recipient);
    context_.trace.add(message_.id, "dropped", fmt::format("{}: {}", rcpt, why));
    log::info("discarded", {{"msg", name}, {"rcpt", rcpt}, {"reason", why}});
  }

  // Each address once a message: a target that is among its recipients already gets its copy there.
  void follow(std::size_t index, std::vector<smtp::Address> targets, int depth, std::vector<std::size_t>& added) {
    if (seen_.empty())
      for (const Recipient& recipient : message_.recipients) seen_.insert(recipient.address.text());
    std::vector<std::string>& way = ways_[index];
    way.push_back(message_.recipients[index].address.text());
    const auto on_the_way = [&](const smtp::Address& target) { return std::ranges::find(way, target.text()) != way.end(); };
    const bool loops = std::ranges::all_of(targets, on_the_way) || depth >= kAliasDepth;
    const std::size_t stands_for = targets.size();
    std::erase_if(targets, [this](const smtp::Address& target) { return !seen_.insert(target.text()).second; });
    if (loops || message_.recipients.size() + targets.size() > queue::kMaxRecipients) {
      plan_.decided.emplace_back(index, alias_loop(message_.recipients[index]));
    } else if (targets.empty()) {
      plan_.decided.emplace_back(index, covered());
    } else {
      if (stands_for > 1) note_expansion(index, stands_for);
      expand(index, std::move(targets), added);
    }
  }

  // RFC 3461 5.2.7.3 (c): of several addresses each reports trouble alone; that they were several is a report of its own.
  void note_expansion(std::size_t index, std::size_t targets) {
    if (!message_.recipients[index].notify.success) return;
    queue::Recipient expanded = queue::expanded_alias(message_.recipients[index].address, message_.recipients[index], targets);
    message_.recipients[index].notify.success = false;
    plan_.decided.emplace_back(message_.recipients.size(), expanded.last);
    message_.recipients.push_back(std::move(expanded));
  }

  void expand(std::size_t index, std::vector<smtp::Address> targets, std::vector<std::size_t>& added) {
    const std::vector<std::string> way = ways_[index];
    Recipient model = message_.recipients[index];
    if (model.original.empty()) model.original = model.address.text();
    context_.trace.add(message_.id, "routed", fmt::format("{} is an alias of {} addresses now", model.address.text(), targets.size()));
    for (std::size_t i = 0; i < targets.size(); ++i) {
      model.address = std::move(targets[i]);
      added.push_back(i == 0 ? index : message_.recipients.size());
      ways_[added.back()] = way;
      if (i == 0)
        message_.recipients[index] = model;
      else
        message_.recipients.push_back(model);
    }
    plan_.changed = true;
  }

  const Context& context_;
  Message& message_;
  routing::Envelope envelope_;
  Plan plan_;
  std::unordered_set<std::string> seen_;
  std::unordered_map<std::size_t, std::vector<std::string>> ways_;  // the aliases that led to a recipient in this round
};

using Found = std::optional<Result<routing::MxSites::Found>>;

Task<> find_site(routing::MxSites& mx, smtp::Domain domain, Found& into) { into = co_await mx.find(std::move(domain)); }

}  // namespace

std::vector<std::size_t> due_recipients(const Message& message, WallTime now) {
  std::vector<std::size_t> due;
  for (std::size_t i = 0; i < message.recipients.size(); ++i) {
    const Recipient& recipient = message.recipients[i];
    if (recipient.state == Recipient::State::pending && recipient.next_attempt <= now) due.push_back(i);
  }
  return due;
}

Task<Plan> make_plan(const Context& context, Message& message, std::vector<std::size_t> due) {
  Planner planner(context, message);
  co_return co_await planner.run(std::move(due));
}

Task<> look_up(const Context& context, Plan& plan, std::size_t offered) {
  std::vector<Found> found(plan.lookups.size());
  std::function<Task<>(std::size_t)> one = [&](std::size_t i) { return find_site(context.mx, plan.lookups[i].to.domain, found[i]); };
  co_await run_bounded(context.tasks, found.size(), kDomainsAtOnce, std::move(one));
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Result<routing::MxSites::Found>& answer = *found[i];
    const routing::ToMx& to = plan.lookups[i].to;
    for (const std::size_t index : plan.lookups[i].recipients) {
      if (!answer)
        plan.decided.emplace_back(index, dns_unanswered(answer.error()));
      else if (const auto* no = std::get_if<routing::Refused>(&*answer))
        plan.decided.emplace_back(index, refused(no->reply));
      else
        add_remote(plan, routing::secured(std::get<std::shared_ptr<const routing::Site>>(*answer), to.tls, to.tls_name, to.pool), index,
                   offered);
    }
  }
  plan.lookups.clear();
}

}  // namespace godwit::scheduler
