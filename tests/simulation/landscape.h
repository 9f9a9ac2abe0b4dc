#pragma once
// The rest of the world: servers with addresses, domains with MX records, and what happens to them in the course of a run.

#include <memory>
#include <string>
#include <vector>

#include "machine.h"

namespace godwit::simulation {

class Landscape {
 public:
  Landscape(World world, std::uint64_t seed);

  // A domain that a mail may go to; the one whose server is always well comes up more often than others.
  std::string domain(Dice& dice) const;
  static constexpr std::string_view kSteady = "steady.test";

  // Something happens to some server or domain.
  void disturb();
  // Everybody is well.
  void heal();

 private:
  struct Domain {
    std::string name;
    std::vector<std::string> hosts;
  };
  void add_peer(const std::string& host);
  void publish(const Domain& domain);
  void change_dns(Domain& domain);
  std::vector<std::string> choose_hosts();

  World world_;
  std::uint64_t seed_;
  Dice dice_;
  std::vector<std::unique_ptr<Peer>> peers_;  // the first is the steady one
  std::vector<Domain> domains_;
};

}  // namespace godwit::simulation
