#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/execution/context_as.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <cstring>
#include <memory>
#include <optional>

#include "base/blocking_pool.h"
#include "edge/net/file_descriptor.h"
#include "edge/net/loop.h"

namespace godwit::net {
namespace {

using Addresses = Result<std::vector<IpAddress>>;

constexpr std::size_t kThreads = 2;  // of each loop that ever asks

Error lookup_error(const std::string& host, int code) {
  const std::string text = "cannot resolve " + host + ": " + ::gai_strerror(code);
  const bool unknown = code == EAI_NONAME || code == EAI_NODATA || code == EAI_ADDRFAMILY;
  if (unknown) return Error::permanent(Error::Cause::not_found, text);
  return Error::temporary(Error::Cause::io, text);
}

Addresses look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &list); code != 0) return fail(lookup_error(host, code));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> guard(list, ::freeaddrinfo);
  std::vector<IpAddress> addresses;
  for (const addrinfo* entry = list; entry; entry = entry->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, entry->ai_addr, std::min<std::size_t>(entry->ai_addrlen, sizeof storage));
    const IpAddress address = from_sockaddr(storage).address;
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) addresses.push_back(address);
  }
  return addresses;
}

// The threads of a loop's lookups: they end before the loop does, so no answer comes to a loop that is gone.
class Resolver final : public boost::asio::execution_context::service {
 public:
  static inline boost::asio::execution_context::id id;

  explicit Resolver(boost::asio::execution_context& context) : service(context), pool_(std::in_place, kThreads) {}

  Task<Addresses> resolve(std::string host) {
    auto work = [host = std::move(host), stopping = stopping_]() -> Addresses {
      if (*stopping) return fail(Error::temporary(Error::Cause::cancelled, "cancelled"));
      return look_up(host);
    };
    co_return co_await pool_->run(std::move(work));
  }

 private:
  void shutdown() override {
    *stopping_ = true;
    pool_.reset();
  }

  std::shared_ptr<std::atomic<bool>> stopping_ = std::make_shared<std::atomic<bool>>(false);
  std::optional<BlockingPool> pool_;
};

}  // namespace

Task<Result<std::vector<IpAddress>>> resolve_host(std::string host) {
  if (auto address = parse_ip(host)) co_return std::vector{*address};
  if (host.empty() || host.find('\0') != std::string::npos) co_return fail(Error::syntax("not a host name", 0));
  auto executor = co_await this_executor();
  auto& context = boost::asio::query(executor, boost::asio::execution::context_as<boost::asio::execution_context&>);
  Resolver& resolver = boost::asio::use_service<Resolver>(context);
  co_return co_await resolver.resolve(std::move(host));
}

}  // namespace godwit::net
