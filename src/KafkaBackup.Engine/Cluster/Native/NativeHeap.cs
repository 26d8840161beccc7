using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>
/// Gives back to the system what the client library has freed, now and then and at the end. It fetches and sends in buffers of megabytes,
/// and glibc keeps the holes that they leave: tens of megabytes in the process of whoever runs us. Other allocators do this by themselves.
/// </summary>
internal sealed partial class NativeHeap : IDisposable
{
    /// <summary>A look costs about a millisecond.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly Timer? _clock;

    public NativeHeap()
    {
        if (IsGlibc())
        {
            _clock = new Timer(static _ => _ = malloc_trim(0), null, Interval, Interval);
        }
    }

    public void Dispose()
    {
        if (_clock is not null)
        {
            _clock.Dispose();
            _ = malloc_trim(0);
        }
    }

    private static bool IsGlibc() =>
        OperatingSystem.IsLinux()
        && NativeLibrary.TryLoad("libc.so.6", out var library)
        && NativeLibrary.TryGetExport(library, nameof(malloc_trim), out _);

    [LibraryImport("libc.so.6")]
    private static partial int malloc_trim(nuint pad);
}
