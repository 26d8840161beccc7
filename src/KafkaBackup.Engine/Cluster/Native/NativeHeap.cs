using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>
/// Gives back to the system what the client library has freed. It fetches and sends in buffers of megabytes, and glibc keeps the holes that they leave: tens of
/// megabytes in the process of whoever runs us, also after we are done. Other allocators do this by themselves.
/// </summary>
internal static partial class NativeHeap
{
    /// <summary>A look costs about a millisecond.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private static readonly object Gate = new();
    private static readonly Timer Clock = new(static _ => Look());
    private static int _clients;
    private static bool _useless = !OperatingSystem.IsLinux();

    /// <summary>An instance of the library begins its work; it ends with <see cref="Leave"/>.</summary>
    public static void Enter()
    {
        lock (Gate)
        {
            if (_clients++ == 0 && !_useless)
            {
                Clock.Change(Interval, Timeout.InfiniteTimeSpan);
            }
        }
    }

    public static void Leave()
    {
        lock (Gate)
        {
            if (--_clients > 0)
            {
                return;
            }

            Clock.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        Trim();
    }

    private static void Look()
    {
        Trim();
        lock (Gate)
        {
            if (_clients > 0 && !_useless)
            {
                Clock.Change(Interval, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private static void Trim()
    {
        if (_useless)
        {
            return;
        }

        try
        {
            _ = malloc_trim(0);
        }
        catch (Exception error) when (error is DllNotFoundException or EntryPointNotFoundException)
        {
            // Another C library than glibc.
            _useless = true;
        }
    }

    [LibraryImport("libc.so.6")]
    private static partial int malloc_trim(nuint pad);
}
