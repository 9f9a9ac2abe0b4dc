#pragma once
// One site, from one source: its waiting jobs and its connections. Opens one connection when there is work and more as more is waiting and
// its pace allows, falls back from hop to hop, and knows when the site is down, does not want us, or can never take mail.
//
// One loop. Held by shared_ptr: each connection's coroutine keeps its site alive.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edge/net/happy_eyeballs.h"
#include "service/outbound/connection.h"
#include "service/outbound/hops.h"
#include "service/outbound/outbound.h"
#include "service/outbound/pace.h"
#include "service/outbound/plain_hosts.h"
#include "service/outbound/source.h"
#include "service/outbound/treatment.h"

namespace godwit::outbound {

// What a site asks of all of them; on their loop.
class SiteOwner {
 public:
  virtual ~SiteOwner() = default;
  // true: another source of its pool has taken the job, which nobody has tried.
  virtual bool take_elsewhere(Job& job, const Source& not_by) = 0;
  // The source cannot be used at all, whereto ever; or it can again.
  virtual void source_failed(const Source& source, const queue::Outcome& why) = 0;
  virtual void source_works(const Source& source) = 0;
  // The site is to be left alone by every other source of its pool, too.
  virtual void rest_by_all(const std::shared_ptr<const routing::Site>& site, const Source& but, Duration length,
                           const queue::Outcome& why) = 0;
};

class Site final : public JobSource, public std::enable_shared_from_this<Site> {
 public:
  // `source`: null where the system chooses the address.
  Site(const Context& context, PlainHosts& plain_hosts, SiteOwner& owner, std::shared_ptr<const routing::Site> description,
       std::shared_ptr<const Source> source = nullptr);

  // The job's `done` is called later, never from within offer().
  void offer(Job job, std::shared_ptr<WarmupLedger::Place> place = nullptr);
  // What is offered now comes back at once.
  bool refuses() const;
  // For SiteOwner::rest_by_all(), in two steps, so that nothing goes from one resting source to the next.
  void begin_rest(Duration length, queue::Outcome why);
  void send_away();
  SiteStatus status() const;
  void probe_now();
  void drain();
  // Nothing waits, nothing is connected, nothing is remembered: it may be forgotten.
  bool idle() const;

  std::optional<Work> next() override;
  void finished(Work work) override;
  void give_back(Work work) override;

 private:
  class Line;
  using Opened = std::expected<std::unique_ptr<Connection>, queue::Outcome>;

  void enqueue(Work work);
  void grow();
  static Task<> run(std::shared_ptr<Site> self);
  Task<> work_on(Connection& connection, std::size_t hop);
  Task<bool> wait_for_work(Timer& timer);
  void opening_failed();
  void judge(const Connection& connection, std::size_t hop);
  SteadyTime now() const { return context_.clock.steady(); }
  const ReplyClasses& classes() const;

  // site_opening.cc
  Task<Opened> open(std::size_t& hop);
  Task<Opened> open_hop(std::size_t hop, SteadyTime until, bool& ourselves);
  Task<Opened> open_socket(const routing::Hop& hop);
  Task<Opened> open_first(const routing::Hop& hop, std::vector<Endpoint>& endpoints);
  Task<Opened> greet(const routing::Hop& hop, std::unique_ptr<net::Stream> stream, Endpoint endpoint, bool encrypted, bool& tls_failed);
  void hop_failed(std::size_t hop, queue::Outcome why, bool ourselves);
  queue::Outcome not_connected(const routing::Hop& hop, const std::vector<Endpoint>& endpoints,
                               const std::vector<net::DialFailure>& failures);

  // site_sources.cc
  bool source_has(bool v6) const { return !source_ || (v6 ? source_->v6 : source_->v4); }
  Result<std::vector<Endpoint>> reachable(const routing::Hop& hop, const std::vector<IpAddress>& addresses);
  bool family_refused(bool v6) const { return now() < family_refused_[v6] && now() >= family_refused_[!v6] && family_seen_[!v6]; }
  void set_aside_refused(std::vector<Endpoint>& endpoints, std::vector<Endpoint>& last_resort) const;
  bool is_of_family(const queue::Outcome& outcome) const;
  void note_refused_family(bool v6, queue::Outcome why);
  bool take_other_family(Work& work);
  bool move_elsewhere(Work& work);
  bool tenant_stopped(Work& work);
  void stop_tenant(const Work& work, const SiteVerdict& verdict);
  void source_failed();

  // site_pace.cc
  void look_at_settings();
  bool ready() const { return !waiting_.empty() && !one_too_many() && pace_.may_send(now()); }
  bool one_too_many() const { return serving_ > pace_.connections(); }
  bool turned_away(Work& work);
  queue::Outcome later_turn(SteadyTime earliest);
  void send_back_late();
  void let_go_of_settings();
  void wait_for_turn();
  static Task<> wake_at_turn(std::shared_ptr<Site> self);
  void learn_from(const SiteVerdict& verdict);
  void learn_from_break(const Connection& connection);
  void learn_refused_further(queue::Outcome why);
  void rest_if_unwanted();
  void rest(const ReplyClass& as, queue::Outcome why);
  queue::Outcome at_rest() const;
  bool stopping() const { return draining_ || context_.tasks.stopping(); }
  void fail_waiting();
  queue::Outcome why_not(const Work& work) const;

  const Context& context_;
  PlainHosts& plain_hosts_;
  SiteOwner& owner_;
  std::shared_ptr<const routing::Site> description_;
  std::shared_ptr<const Source> source_;  // as the settings have it now
  Hops hops_;
  std::shared_ptr<const Settings> settings_;  // that pace_ knows; null while there is nothing to do
  SteadyTime looked_at_settings_{};
  Pace pace_;
  std::deque<Work> waiting_;
  std::vector<Timer*> idle_;     // connections without work, the last one to fall idle at the end
  std::size_t connections_ = 0;  // with those being opened
  std::size_t opening_ = 0;
  std::size_t serving_ = 0;      // opened, and not about to end
  Timer* turn_timer_ = nullptr;  // of wake_at_turn(),
  bool awaiting_turn_ = false;   // while there is one
  bool proven_ = false;          // a dialogue has begun well since the site was down
  bool draining_ = false;
  unsigned losses_ = 0;     // dialogues in a row that broke before their first message was done
  unsigned blocked_ = 0;    // refusals of us since the last delivery
  SteadyTime last_turn_{};  // that was given to one who waits in the queue
  SteadyTime grow_after_{};
  queue::Outcome hopeless_;                   // why a hop can never take mail, as the DNS is now
  queue::Outcome last_failure_;               // of connecting, or of somebody's dialogue:
  bool dialogues_broke_ = false;              // then it says nothing about the messages that wait
  queue::Outcome unwanted_;                   // why the site rests
  SteadyTime family_refused_[2] = {};         // until then; IPv4, IPv6
  bool family_seen_[2] = {};                  // that its hosts and the source have
  std::optional<queue::Outcome> way_failed_;  // of the last opening: why the source cannot be used
};

}  // namespace godwit::outbound
