#include "landscape.h"

#include <algorithm>

namespace godwit::simulation {

using namespace std::chrono_literals;

Landscape::Landscape(World world, std::uint64_t seed) : world_(world), seed_(seed), dice_(seed, 4) {
  add_peer("mx.steady.test");
  const std::size_t peers = dice_.between(3, 10);
  for (std::size_t i = 0; i < peers; ++i)
    add_peer(fmt::format("mx{}.{}.test", i, dice_.one_of<std::string_view>({"few", "rated", "any", "any", "any"})));
  domains_.push_back({std::string(kSteady), {"mx.steady.test"}});
  const std::size_t domains = dice_.between(3, 14);
  for (std::size_t i = 0; i < domains; ++i) domains_.push_back({fmt::format("d{}.far.test", i), choose_hosts()});
  for (const Domain& domain : domains_) publish(domain);
}

void Landscape::add_peer(const std::string& host) {
  const std::size_t number = peers_.size();
  peers_.push_back(std::make_unique<Peer>(host, seed_, number, world_.clock, world_.journal, world_.ledger));
  const std::size_t addresses = dice_.between(1, 2);
  for (std::size_t i = 0; i < addresses; ++i) {
    const std::string text =
        dice_.chance(30) ? fmt::format("2001:db8::{:x}:{}", number + 1, i + 1) : fmt::format("198.51.{}.{}", number + 1, i + 1);
    world_.dns.add_address(host, text);
    world_.network.listen(*parse_ip(text), *peers_.back());
  }
}

std::vector<std::string> Landscape::choose_hosts() {
  std::vector<std::string> hosts;
  const std::size_t count = dice_.between(1, std::min<std::size_t>(3, peers_.size() - 1));
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& host = peers_[dice_.between(1, peers_.size() - 1)]->host();
    if (std::ranges::find(hosts, host) == hosts.end()) hosts.push_back(host);
  }
  return hosts;
}

void Landscape::publish(const Domain& domain) {
  world_.dns.remove(domain.name);
  for (std::size_t i = 0; i < domain.hosts.size(); ++i)
    world_.dns.add_mx(domain.name, static_cast<std::uint16_t>(10 * (1 + i / 2)), domain.hosts[i]);
  world_.dns.set_ttl(domain.name, std::chrono::seconds(300));
}

std::string Landscape::domain(Dice& dice) const { return dice.chance(15) ? domains_[0].name : domains_[dice.below(domains_.size())].name; }

void Landscape::disturb() {
  if (dice_.chance(20)) return change_dns(domains_[dice_.between(1, domains_.size() - 1)]);
  Peer& peer = *peers_[dice_.between(1, peers_.size() - 1)];
  Mood mood;
  if (!dice_.chance(35)) mood.trouble = static_cast<Trouble>(dice_.below(kTroubles));
  mood.stage = static_cast<Stage>(dice_.below(kStages));
  mood.limit = static_cast<unsigned>(dice_.between(1, 10));
  world_.journal.add(fmt::format("{} is {} at {}", peer.host(), to_string(mood.trouble), to_string(mood.stage)));
  peer.set_mood(mood);
}

void Landscape::change_dns(Domain& domain) {
  world_.dns.recover(domain.name);
  switch (dice_.below(6)) {
    case 0: world_.journal.add("SERVFAIL for " + domain.name); return world_.dns.fail(domain.name);
    case 1: world_.journal.add("no answer about " + domain.name); return world_.dns.silence(domain.name);
    case 2:
      world_.journal.add("slow answers about " + domain.name);
      return world_.dns.delay(domain.name, dice_.between(Duration(100), Duration(20s)));
    case 3:
      if (!dice_.chance(30)) break;
      world_.journal.add(domain.name + " does not exist");
      return world_.dns.remove(domain.name);
    default: break;
  }
  domain.hosts = choose_hosts();
  world_.journal.add(fmt::format("{} has MX {}", domain.name, fmt::join(domain.hosts, " ")));
  publish(domain);
}

void Landscape::heal() {
  world_.journal.add("all is well");
  world_.dns.silence_all(false);
  world_.network.set_partition(false);
  for (const auto& peer : peers_) peer->set_mood({});
  for (const Domain& domain : domains_) {
    world_.dns.recover(domain.name);
    publish(domain);
  }
}

}  // namespace godwit::simulation
