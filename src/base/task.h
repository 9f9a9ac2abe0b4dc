#pragma once
// Coroutines: Task<T> is the return type of every function that waits, suspend() the bridge from call-backs.
//
// A coroutine runs on one loop (a single-threaded executor) and resumes there, whichever thread completes what
// it waits for. Task is Boost.Asio's awaitable; this header is all that most of the program sees of Asio.

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <utility>

namespace godwit {

template <class T = void>
using Task = boost::asio::awaitable<T>;

using Executor = boost::asio::any_io_executor;

// Runs `function` on `executor` later; the way to cross from one loop (or thread) to another.
template <class Function>
void post(const Executor& executor, Function&& function) {
  boost::asio::post(executor, std::forward<Function>(function));
}

// The executor (loop) of the calling coroutine: co_await this_executor().
inline auto this_executor() { return boost::asio::this_coro::executor; }

// Lets go of the loop once: the coroutine goes on after everything else that is ready.
inline Task<> yield_loop() { co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable); }

// Completes a suspended coroutine: call it once, from any thread; movable, not copyable.
// The value is posted to the coroutine's own loop.
template <class T>
using Resume = std::move_only_function<void(T)>;

// Suspends the calling coroutine, passes a Resume<T> to `start`, and returns what is given to it.
//   Answer answer = co_await suspend<Answer>([&](Resume<Answer> resume) { worker.submit(std::move(resume)); });
// `start` runs on the calling thread at once. If the Resume is destroyed uncalled, the coroutine is destroyed too.
template <class T, class Start>
Task<T> suspend(Start start) {
  auto executor = co_await boost::asio::this_coro::executor;
  auto initiate = [executor, &start](auto handler) {
    auto shared = [executor, handler = std::move(handler)](T value) mutable {
      boost::asio::post(executor,
                        [handler = std::move(handler), value = std::move(value)]() mutable { std::move(handler)(std::move(value)); });
    };
    start(Resume<T>(std::move(shared)));
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(T)>(std::move(initiate),
                                                                                                boost::asio::use_awaitable);
}

}  // namespace godwit
