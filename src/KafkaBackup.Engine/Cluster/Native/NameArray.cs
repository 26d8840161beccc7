using System.Runtime.InteropServices;

namespace KafkaBackup.Engine.Cluster.Native;

/// <summary>An array of C strings for the length of a call.</summary>
internal sealed unsafe class NameArray : IDisposable
{
    private readonly int _count;

    public NameArray(IReadOnlyCollection<string> names)
    {
        Pointer = (byte**)NativeMemory.AllocZeroed((nuint)Math.Max(1, names.Count), (nuint)sizeof(byte*));
        foreach (var name in names)
        {
            Pointer[_count++] = (byte*)Marshal.StringToCoTaskMemUTF8(name);
        }
    }

    public byte** Pointer { get; private set; }

    public void Dispose()
    {
        if (Pointer is null)
        {
            return;
        }

        for (var i = 0; i < _count; i++)
        {
            Marshal.FreeCoTaskMem((nint)Pointer[i]);
        }

        NativeMemory.Free(Pointer);
        Pointer = null;
    }
}
