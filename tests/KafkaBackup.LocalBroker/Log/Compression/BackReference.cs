namespace KafkaBackup.LocalBroker.Log.Compression;

/// <summary>Repeats bytes already written; source and target may overlap, which is how runs are coded.</summary>
internal static class BackReference
{
    public static void Copy(byte[] output, ref int written, int distance, int count)
    {
        if (distance <= 0 || distance > written || count > output.Length - written)
            throw new InvalidDataException("a back reference points outside the block");
        for (var i = 0; i < count; i++, written++)
            output[written] = output[written - distance];
    }
}
