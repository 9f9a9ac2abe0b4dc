#pragma once
// One site: its waiting jobs and its connections. Opens one connection when there is work and more as more is waiting and its pace
// allows, falls back from hop to hop, and knows when the site is down, does not want us, or can never take mail.
//
// One loop. Held by shared_ptr: each connection's coroutine keeps its site alive.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "service/outbound/connection.h"
#include "service/outbound/hops.h"
#include "service/outbound/outbound.h"
#include "service/outbound/pace.h"
#include "service/outbound/plain_hosts.h"
#include "service/outbound/treatment.h"

namespace godwit::outbound {

class Site final : public JobSource, public std::enable_shared_from_this<Site> {
 public:
  Site(const Context& context, PlainHosts& plain_hosts, std::shared_ptr<const routing::Site> description);

  // The job's `done` is called later, never from within offer().
  void offer(Job job);
  SiteStatus status() const;
  void probe_now();
  void drain();
  // Nothing waits, nothing is connected, nothing is remembered: it may be forgotten.
  bool idle() const;

  std::optional<Work> next() override;
  void finished(Work work) override;
  void give_back(Work work) override;

 private:
  using Opened = std::expected<std::unique_ptr<Connection>, queue::Outcome>;

  void grow();
  static Task<> run(std::shared_ptr<Site> self);
  Task<> work_on(Connection& connection, std::size_t hop);
  Task<Opened> open(std::size_t& hop);
  Task<Opened> open_hop(std::size_t hop, SteadyTime until, bool& ourselves);
  Task<Opened> open_socket(const routing::Hop& hop);
  Task<Opened> open_first(const routing::Hop& hop, std::vector<Endpoint>& endpoints);
  Task<Opened> greet(const routing::Hop& hop, std::unique_ptr<net::Stream> stream, Endpoint endpoint, bool encrypted, bool& tls_failed);
  void hop_failed(std::size_t hop, queue::Outcome why, bool ourselves);
  Task<bool> wait_for_work(Timer& timer);
  void opening_failed();
  void judge(const Connection& connection, std::size_t hop);
  SteadyTime now() const { return context_.clock.steady(); }
  const ReplyClasses& classes() const;

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
  void learn_from(Work& work);
  void learn_from_break(const Connection& connection);
  void learn_refused_further(queue::Outcome why);
  void rest_if_unwanted();
  void rest(Duration length, queue::Outcome why);
  queue::Outcome at_rest() const;
  bool stopping() const { return draining_ || context_.tasks.stopping(); }
  void fail_waiting();
  queue::Outcome why_not(const Work& work) const;

  const Context& context_;
  PlainHosts& plain_hosts_;
  std::shared_ptr<const routing::Site> description_;
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
  queue::Outcome hopeless_;       // why a hop can never take mail, as the DNS is now
  queue::Outcome last_failure_;   // of connecting, or of somebody's dialogue:
  bool dialogues_broke_ = false;  // then it says nothing about the messages that wait
  queue::Outcome unwanted_;       // why the site rests
};

}  // namespace godwit::outbound
