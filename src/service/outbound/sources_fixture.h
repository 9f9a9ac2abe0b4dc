#pragma once
// For the tests of sources: a pool of them on the fake network, each greeting by its own name.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "service/outbound/limits.h"
#include "service/outbound/outbound_fixture.h"
#include "service/outbound/reply_class.h"
#include "service/outbound/source.h"

namespace godwit::outbound {

inline constexpr std::string_view kSourceClasses = R"(
[class.blocked]
action = "suspend_source"
after = "30m"
[class.unwanted]
action = "rest_site"
after = "30m"
[class.no_v6]
action = "other_family"
[class.abuse]
action = "stop_tenant"
after = "2h"
[[rule]]
class = "blocked"
replies = ['blocked']
[[rule]]
class = "unwanted"
replies = ['go away']
[[rule]]
class = "no_v6"
replies = ['over IPv6']
[[rule]]
class = "abuse"
replies = ['tenant']
)";

// The network as one source sees it, and how often it was used.
class SourceDialer final : public net::Dialer {
 public:
  explicit SourceDialer(net::Dialer& network) : network_(network) {}
  Task<Result<std::unique_ptr<net::Stream>>> dial(Endpoint to, Duration timeout, net::Cancellation* cancel) override {
    ++dials;
    dialed.push_back(to);
    if (broken)
      co_return fail(Error::permanent(Error::Cause::io, "connect to " + to.text() + " from 192.0.2.77: Cannot assign requested address"));
    if (silenced) co_return fail(Error::temporary(Error::Cause::io, "connect to " + to.text() + ": Network is unreachable"));
    co_return co_await network_.dial(to, timeout, cancel);
  }
  std::size_t dials = 0;
  std::vector<Endpoint> dialed;
  bool broken = false;
  bool silenced = false;

 private:
  net::Dialer& network_;
};

class Sources : public OutboundTest {
 protected:
  Sources() {
    settings_->classes = *ReplyClasses::parse({kSourceClasses});
    dns_.add_address("mx.peer.test", "127.0.0.1");
    site_ = mx_site({{"mx.peer.test", 10}});
    settings_->forbidden_networks.clear();
  }

  // A source whose EHLO name is "NAME.mail.test".
  std::shared_ptr<Source> source(const std::string& name) {
    auto made = std::make_shared<Source>();
    made->name = name;
    made->hostname = name + ".mail.test";
    dialers_[name] = std::make_shared<SourceDialer>(network_);
    made->dialer = dialers_[name];
    return made;
  }
  void configure(std::vector<Pool::Member> members) {
    auto egress = std::make_shared<Egress>();
    egress->pools["main"].members = std::move(members);
    egress->for_mx = "main";
    auto changed = std::make_shared<Settings>(*settings_);
    changed->egress = std::move(egress);
    settings_ = std::move(changed);
  }
  void configure_two() { configure({{source("a"), 1}, {source("b"), 1}}); }

  // A message whose first source is this one.
  std::shared_ptr<queue::Message> message_of(const std::string& wanted, std::vector<std::string> to = {"bob@peer.test"}) {
    while (true) {
      auto made = message(to);
      const Pool& pool = settings_->egress->pools.at("main");
      if (pool.members[in_order(pool, made->id).front()].source->name == wanted) return made;
    }
  }
  // The source by whose name the dialogue was begun.
  std::string greeted_by(std::size_t dialogue) const {
    const std::string& hello = server_.dialogues.at(dialogue).commands.at(0);
    return hello.substr(5, hello.find('.') - 5);
  }
  std::map<std::string, std::size_t> dialogues_by_source() const {
    std::map<std::string, std::size_t> out;
    for (std::size_t i = 0; i < server_.dialogues.size(); ++i) ++out[greeted_by(i)];
    return out;
  }
  SiteStatus status_of(const std::string& name) {
    for (const SiteStatus& status : outbound_->status())
      if (status.source == name) return status;
    return {};
  }

  std::map<std::string, std::shared_ptr<SourceDialer>> dialers_;
};

}  // namespace godwit::outbound
