#pragma once
// [[source]] and [[pool]]: where mail leaves from, as the operator wrote it, and what outbound makes of it. Plain values.
// docs/operator/sources.md.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/toml_reader.h"

namespace godwit::outbound {
class WarmupSchedule;
}

namespace godwit::app {

struct SourceConfig {
  enum class Via : std::uint8_t { nothing, socks5, proxy };

  std::string name;
  std::optional<IpAddress> v4;
  std::optional<IpAddress> v6;
  std::string hostname;  // "": the server's
  Via via = Via::nothing;
  std::string proxy_host;
  std::uint16_t proxy_port = 0;
  std::string user;
  std::string password_file;
  std::optional<std::chrono::sys_days> warmup;
};

struct PoolConfig {
  std::string name;
  std::vector<std::pair<std::string, unsigned>> members;  // source and weight
};

struct EgressConfig {
  std::vector<SourceConfig> sources;
  std::vector<PoolConfig> pools;
  std::string for_mx;                                      // [outbound] pool
  std::string warmup_file;                                 // [outbound] warmup
  std::shared_ptr<const outbound::WarmupSchedule> warmup;  // null: the shipped one

  bool has_pool(const std::string& name) const;
};

// Sources before pools, and both before what names a pool: errors stand where the mistake is.
void read_source(TomlTable& table, EgressConfig& egress);
void read_pool(TomlTable& table, EgressConfig& egress);
void read_egress_of_outbound(TomlTable& table, EgressConfig& egress);
// Notes an error at `key` if this is no pool.
void check_pool(TomlTable& table, std::string_view key, const std::string& pool, const EgressConfig& egress);

}  // namespace godwit::app
