#pragma once
// A small name server on 127.0.0.1, UDP and TCP on one port, on a thread of its own: answers, refuses, lies, is silent, signs.
// For unbound_test alone. Setting and counting from any thread.

#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <ctime>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/encoding.h"
#include "edge/dns/name.h"
#include "edge/dns/record.h"
#include "edge/net/file_descriptor.h"

namespace godwit::dns {

enum class Manner : std::uint8_t {
  honest,
  servfail,
  refused,
  silent,
  wrong_id_first,        // a forged answer with another id, then the true one
  wrong_question_first,  // to the first query a forged answer to another question alone, then the truth
  garbage_first,         // to the first query bytes that are no message, then the truth
  tampered               // signed, then changed
};

inline std::string rdata_a(std::string_view address) {
  const IpAddress parsed = *parse_ip(address);
  return {reinterpret_cast<const char*>(parsed.bytes.data()), parsed.v6 ? 16u : 4u};
}
inline std::string rdata_name(std::string_view name) { return *name_to_wire(name); }
inline std::string rdata_mx(std::uint16_t preference, std::string_view exchange) {
  std::string rdata;
  append_be16(rdata, preference);
  return rdata + *name_to_wire(exchange);
}
inline std::string rdata_txt(std::string_view text) {
  std::string rdata;
  do {
    const std::string_view part = text.substr(0, 255);
    rdata += static_cast<char>(part.size());
    rdata += part;
    text.remove_prefix(part.size());
  } while (!text.empty());
  return rdata;
}

// The key of a signed zone: Ed25519 (RFC 8080).
class ZoneKey {
 public:
  explicit ZoneKey(std::string zone) : zone_(std::move(zone)) {
    const std::array<unsigned char, crypto_sign_SEEDBYTES> seed{1};
    crypto_sign_seed_keypair(public_.data(), secret_.data(), seed.data());
  }

  const std::string& zone() const { return zone_; }
  std::string dnskey() const {  // RFC 4034 2.1: zone key and secure entry point, protocol 3, algorithm 15
    return std::string("\x01\x01\x03\x0f", 4) + std::string(reinterpret_cast<const char*>(public_.data()), public_.size());
  }
  std::string anchor() const { return zone_ + ". IN DNSKEY 257 3 15 " + base64_encode(dnskey().substr(4)) + "\n"; }

  // RFC 4034 3.1.8.1; the data of the RRSIG over a set.
  std::string sign(const std::string& owner, std::uint16_t type, std::uint32_t ttl, std::vector<std::string> rdata) const {
    std::string header;
    append_be16(header, type);
    header += '\x0f';
    header += static_cast<char>(owner.empty() ? 0 : std::count(owner.begin(), owner.end(), '.') + 1);
    append_be32(header, ttl);
    append_be32(header, static_cast<std::uint32_t>(std::time(nullptr) + 86'400));
    append_be32(header, static_cast<std::uint32_t>(std::time(nullptr) - 86'400));
    append_be16(header, tag());
    header += *name_to_wire(zone_);
    std::string data = header;
    std::sort(rdata.begin(), rdata.end());
    for (const std::string& one : rdata) data += resource(owner, type, ttl, one);
    std::array<unsigned char, crypto_sign_BYTES> signature{};
    crypto_sign_detached(signature.data(), nullptr, reinterpret_cast<const unsigned char*>(data.data()), data.size(), secret_.data());
    return header + std::string(reinterpret_cast<const char*>(signature.data()), signature.size());
  }

  static std::string resource(const std::string& owner, std::uint16_t type, std::uint32_t ttl, const std::string& rdata) {
    std::string out = *name_to_wire(owner);
    append_be16(out, type);
    append_be16(out, 1);
    append_be32(out, ttl);
    append_be16(out, static_cast<std::uint16_t>(rdata.size()));
    return out + rdata;
  }

 private:
  std::uint16_t tag() const {  // RFC 4034 appendix B
    std::uint32_t sum = 0;
    const std::string key = dnskey();
    for (std::size_t i = 0; i < key.size(); ++i)
      sum += i & 1 ? static_cast<unsigned char>(key[i]) : static_cast<unsigned char>(key[i]) << 8;
    return static_cast<std::uint16_t>(sum + (sum >> 16));
  }

  std::string zone_;
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> public_{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> secret_{};
};

class LoopbackDns {
 public:
  LoopbackDns() {
    GODWIT_CHECK(sodium_init() >= 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof at;
    // the same port twice: another try if somebody has the other protocol's
    for (int attempt = 0; attempt < 100; ++attempt) {
      udp_ = net::FileDescriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      tcp_ = net::FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      at.sin_port = 0;
      GODWIT_CHECK(::bind(udp_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
      GODWIT_CHECK(::getsockname(udp_.get(), reinterpret_cast<sockaddr*>(&at), &length) == 0);
      if (::bind(tcp_.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0) break;
    }
    GODWIT_CHECK(::listen(tcp_.get(), 16) == 0);
    port_ = ntohs(at.sin_port);
    int ends[2];
    GODWIT_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    stop_ = net::FileDescriptor(ends[0]);
    stopped_ = net::FileDescriptor(ends[1]);
    thread_ = std::thread([this] { serve(); });
  }
  ~LoopbackDns() {
    stop_ = net::FileDescriptor();
    thread_.join();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  void add(const std::string& name, Type type, std::string rdata, std::uint32_t ttl = 300) {
    const std::lock_guard lock(mutex_);
    hosts_[name].records[static_cast<std::uint16_t>(type)].push_back(std::move(rdata));
    hosts_[name].ttl = ttl;
  }
  void set_manner(const std::string& name, Manner manner) {
    const std::lock_guard lock(mutex_);
    hosts_[name].manner = manner;
  }
  void sign(const ZoneKey& key) {
    const std::lock_guard lock(mutex_);
    key_ = key;
    hosts_[key.zone()].records[kDnskey] = {key.dnskey()};
  }

  std::size_t asked(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = asked_.find(name);
    return found == asked_.end() ? 0 : found->second;
  }
  std::size_t asked_by_tcp() const { return by_tcp_; }

 private:
  static constexpr std::uint16_t kSoa = 6;
  static constexpr std::uint16_t kOpt = 41;
  static constexpr std::uint16_t kRrsig = 46;
  static constexpr std::uint16_t kDnskey = 48;

  struct Host {
    std::map<std::uint16_t, std::vector<std::string>> records;
    std::uint32_t ttl = 300;
    Manner manner = Manner::honest;
  };
  struct Reply {
    int rcode = 0;
    int answers = 0;
    std::string records;
    bool soa = false;
  };

  void serve() {
    std::vector<net::FileDescriptor> connections;
    while (true) {
      std::vector<pollfd> polled{{stopped_.get(), POLLIN, 0}, {udp_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}};
      for (const auto& connection : connections) polled.push_back({connection.get(), POLLIN, 0});
      ::poll(polled.data(), polled.size(), -1);
      if (polled[0].revents) return;
      if (polled[1].revents) serve_udp();
      for (std::size_t i = polled.size(); i-- > 3;) {
        if (polled[i].revents && !serve_tcp(connections[i - 3]))
          connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i) - 3);
      }
      if (polled[2].revents) connections.emplace_back(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
  }

  void serve_udp() {
    char buffer[4096];
    sockaddr_in from{};
    socklen_t length = sizeof from;
    const ssize_t size = ::recvfrom(udp_.get(), buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (size < 12) return;
    for (std::string& reply : replies({buffer, static_cast<std::size_t>(size)})) {
      if (reply.size() > 1'232) {  // TC, and nothing but the question
        reply = message({buffer, static_cast<std::size_t>(size)}, Reply{});
        reply[2] = static_cast<char>(reply[2] | 2);
      }
      ::sendto(udp_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
    }
  }

  bool serve_tcp(const net::FileDescriptor& connection) {
    char head[2];
    if (::recv(connection.get(), head, 2, MSG_WAITALL) != 2) return false;
    std::string query(read_be16({head, 2}), '\0');
    if (::recv(connection.get(), query.data(), query.size(), MSG_WAITALL) != static_cast<ssize_t>(query.size())) return false;
    ++by_tcp_;
    for (const std::string& reply : replies(query)) {
      std::string framed;
      append_be16(framed, static_cast<std::uint16_t>(reply.size()));
      framed += reply;
      ::send(connection.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
    }
    return true;
  }

  std::vector<std::string> replies(std::string_view query) {
    std::size_t position = 12;
    const std::string name = *name_from_wire(query, position);
    const std::uint16_t type = read_be16(query.substr(position));
    const std::lock_guard lock(mutex_);
    ++asked_[name];
    const auto found = hosts_.find(name);
    const Manner manner = found == hosts_.end() ? Manner::honest : found->second.manner;
    Reply reply = answer(name, type);
    if (manner == Manner::silent) return {};
    if (manner == Manner::servfail) reply = Reply{2, 0, "", false};
    if (manner == Manner::refused) reply = Reply{5, 0, "", false};
    std::string honest = message(query, reply);
    const bool first = asked_[name] == 1;
    if (manner == Manner::garbage_first && first) return {std::string(3, '\xff'), honest.substr(0, 12)};
    std::string lie = message(query, Reply{0, 1, ZoneKey::resource(name, 1, 300, rdata_a("203.0.113.66")), false});
    if (manner == Manner::wrong_id_first) {
      lie[0] = static_cast<char>(lie[0] ^ 1);
      return {lie, honest};
    }
    lie[13] = static_cast<char>(lie[13] ^ 1);
    return {manner == Manner::wrong_question_first && first ? lie : honest};
  }

  Reply answer(std::string name, std::uint16_t type) const {
    Reply reply;
    for (int links = 0; links < 8; ++links) {
      const auto found = hosts_.find(name);
      if (found == hosts_.end()) {
        reply.rcode = 3;
        break;
      }
      const Host& host = found->second;
      if (const auto records = host.records.find(type); records != host.records.end()) {
        append(reply, name, type, host, records->second);
        return reply;
      }
      const auto cname = host.records.find(static_cast<std::uint16_t>(Type::cname));
      if (cname == host.records.end()) break;
      append(reply, name, static_cast<std::uint16_t>(Type::cname), host, cname->second);
      std::size_t position = 0;
      name = *name_from_wire(cname->second.front(), position);
    }
    reply.soa = true;
    return reply;
  }

  void append(Reply& reply, const std::string& name, std::uint16_t type, const Host& host, const std::vector<std::string>& set) const {
    const bool is_signed = key_ && (name == key_->zone() || name.ends_with("." + key_->zone()));
    for (const std::string& rdata : set) {
      const std::string shown = host.manner == Manner::tampered ? rdata_a("203.0.113.66") : rdata;
      reply.records += ZoneKey::resource(name, type, host.ttl, shown);
      ++reply.answers;
    }
    if (!is_signed) return;
    reply.records += ZoneKey::resource(name, kRrsig, host.ttl, key_->sign(name, type, host.ttl, set));
    ++reply.answers;
  }

  // Question and id as asked; an OPT record as a server that knows DNSSEC.
  static std::string message(std::string_view query, const Reply& reply) {
    std::size_t position = 12;
    ignore(name_from_wire(query, position), "read before");
    std::string out(query.substr(0, 2));
    append_be16(out, static_cast<std::uint16_t>(0x8180 | reply.rcode));  // an answer, recursion desired and available
    append_be16(out, 1);
    append_be16(out, static_cast<std::uint16_t>(reply.answers));
    append_be16(out, reply.soa ? 1 : 0);
    append_be16(out, 1);
    out += query.substr(12, position + 4 - 12);
    out += reply.records;
    if (reply.soa) out += ZoneKey::resource("test", kSoa, 60, std::string(2, '\0') + std::string(16, '\1') + std::string("\0\0\0\x1e", 4));
    out += std::string("\0\0\x29\x04\xd0\0\0\x80\0\0\0", 11);
    return out;
  }

  net::FileDescriptor udp_;
  net::FileDescriptor tcp_;
  net::FileDescriptor stop_;
  net::FileDescriptor stopped_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, Host> hosts_;
  std::map<std::string, std::size_t> asked_;
  std::optional<ZoneKey> key_;
  std::atomic<std::size_t> by_tcp_{0};
  std::thread thread_;
};

}  // namespace godwit::dns
